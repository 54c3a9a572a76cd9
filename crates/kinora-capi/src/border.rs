//! The border with C: pointers become references, errors become numbers, and nothing unwinds.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use kinora::{Code, Fault, codes};

/// What a function answers that has nothing to complain of.
pub(crate) const OK: u32 = 0;
const EINVAL: i32 = 22;

/// The fault of a call that was made wrongly.
pub(crate) fn invalid(why: impl Into<String>) -> Fault {
    Fault::new(Code::from_errno(EINVAL), "capi.argument").because(why)
}

fn panicked() -> Fault {
    Fault::new(codes::ERROR_UNKNOWN_ERROR, "capi.panic")
        .because("the library panicked; this is a bug of Kinora")
}

/// Runs what may fail. Its number is the answer; the fault itself goes to `fault`, where the caller wants it.
///
/// # Safety
/// `fault` is null or may be written.
pub(crate) unsafe fn guarded(
    fault: *mut *mut Fault,
    work: impl FnOnce() -> Result<(), Fault>,
) -> u32 {
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()));
    let (number, told) = match outcome {
        Ok(()) => (OK, std::ptr::null_mut()),
        Err(error) => (error.code().number(), Box::into_raw(Box::new(error))),
    };
    if fault.is_null() {
        if !told.is_null() {
            // SAFETY: made by `Box::into_raw` above, and given to nobody.
            drop(unsafe { Box::from_raw(told) });
        }
    } else {
        // SAFETY: the caller's promise.
        unsafe { fault.write(told) };
    }
    number
}

/// Runs what has an answer in any case: `otherwise` after a panic.
pub(crate) fn answered<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

/// What a handle points to.
///
/// # Safety
/// It is null, or was given by this library and not freed since.
pub(crate) unsafe fn handle<'a, T>(pointer: *const T) -> Result<&'a T, Fault> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid("a handle is NULL"))
}

/// The same, to be changed.
///
/// # Safety
/// As for [`handle`]; and nobody else uses it meanwhile.
pub(crate) unsafe fn handle_mut<'a, T>(pointer: *mut T) -> Result<&'a mut T, Fault> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_mut() }.ok_or_else(|| invalid("a handle is NULL"))
}

/// A text of C.
///
/// # Safety
/// It is null, or ends with a zero.
pub(crate) unsafe fn text<'a>(pointer: *const c_char) -> Result<&'a str, Fault> {
    if pointer.is_null() {
        return Err(invalid("a text is NULL"));
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|_| invalid("a text is not in UTF-8"))
}

/// Puts a value where the caller wants it.
///
/// # Safety
/// `place` is null or may be written.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) -> Result<(), Fault> {
    if place.is_null() {
        return Err(invalid("there is no place for the answer: NULL"));
    }
    // SAFETY: the caller's promise.
    unsafe { place.write(value) };
    Ok(())
}

/// Makes an owned value where the caller wants it; nothing is made that nobody could free.
///
/// # Safety
/// As for [`put`].
pub(crate) unsafe fn put_made<T>(
    place: *mut *mut T,
    make: impl FnOnce() -> Result<T, Fault>,
) -> Result<(), Fault> {
    let made = match place.is_null() {
        true => std::ptr::null_mut(),
        false => give(make()?),
    };
    // SAFETY: the caller's promise.
    unsafe { put(place, made) }
}

/// Gives an owned value out, to be freed by its function.
pub(crate) fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Frees what [`give`] gave; null is nothing.
///
/// # Safety
/// It is null, or was given by [`give`] and is not used any more.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        answered((), || {
            // SAFETY: the caller's promise.
            drop(unsafe { Box::from_raw(pointer) });
        });
    }
}

/// Fills a struct of C's whose `size` says how much of it the caller knows: a program that was built with an older header gets
/// what that one had.
///
/// # Safety
/// `place` is null or begins with its size as `usize`, which is how much may be written.
pub(crate) unsafe fn fill<T>(place: *mut T, mut value: T, smallest: usize) -> Result<(), Fault> {
    if place.is_null() {
        return Err(invalid("there is no place for the answer: NULL"));
    }
    // SAFETY: the caller's promise.
    let size = unsafe { place.cast::<usize>().read() };
    if size < smallest {
        return Err(invalid(
            "the `size` of a struct is less than any version of it had; set it to sizeof",
        ));
    }
    let len = size.min(size_of::<T>());
    let from = std::ptr::from_mut(&mut value).cast::<u8>();
    // SAFETY: `len` is within both; the size in front is put back as the caller wrote it.
    unsafe {
        std::ptr::copy_nonoverlapping(from, place.cast::<u8>(), len);
        place.cast::<usize>().write(size);
    }
    Ok(())
}

/// A table of functions whose `size` says how many of them the caller knows; the others are none.
///
/// # Safety
/// It is null, or begins with its size as `usize`, of which so much may be read; and `T` may be zero in all its bytes.
pub(crate) unsafe fn table<T: Copy>(pointer: *const T) -> Result<T, Fault> {
    if pointer.is_null() {
        return Err(invalid("a table of functions is NULL"));
    }
    // SAFETY: the caller's promise.
    let size = unsafe { pointer.cast::<usize>().read() };
    if size < size_of::<usize>() {
        return Err(invalid(
            "the `size` of a table of functions is not set; set it to sizeof",
        ));
    }
    let mut whole = std::mem::MaybeUninit::<T>::zeroed();
    let len = size.min(size_of::<T>());
    // SAFETY: `len` is within both, and what is not copied is zero, which the caller allows.
    unsafe {
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), whole.as_mut_ptr().cast::<u8>(), len);
        Ok(whole.assume_init())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_here_as_a_number_with_its_fault() {
        let mut fault = std::ptr::null_mut();
        // SAFETY: a place of this test; the fault is freed once.
        let told = unsafe {
            let number = guarded(&raw mut fault, || panic!("of the test"));
            assert_eq!(number, codes::ERROR_UNKNOWN_ERROR.number());
            *Box::from_raw(fault)
        };
        assert_eq!(told.reason(), "capi.panic");
        // SAFETY: null is no place.
        let number = unsafe { guarded(std::ptr::null_mut(), || panic!("of the test")) };
        assert_eq!(number, codes::ERROR_UNKNOWN_ERROR.number());
        assert_eq!(answered(7, || panic!("of the test")), 7);
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Versioned {
        size: usize,
        first: u32,
        second: u32,
    }

    #[test]
    fn a_struct_of_an_older_header_gets_and_gives_what_that_had() {
        let new = Versioned {
            size: 0,
            first: 1,
            second: 2,
        };
        let mut old = Versioned {
            size: 12,
            first: 0,
            second: 9,
        };
        // SAFETY: it is longer than its size says.
        unsafe {
            fill(&raw mut old, new, 12).unwrap();
            assert_eq!((old.size, old.first, old.second), (12, 1, 9));
            let given = table(&raw const old).unwrap();
            assert_eq!(
                (given.first, given.second),
                (1, 0),
                "beyond its size is nothing"
            );
            assert!(fill(&raw mut old, new, 13).is_err());
        }
    }
}
