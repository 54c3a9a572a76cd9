//! The open family `0x20080000 + errno`: Linux's errors by number, name and text.

use crate::{Lang, Text};

/// The number that the family begins with.
pub(crate) const BASE: u32 = 0x2008_0000;

/// One error of the operating system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno {
    /// Its number.
    pub number: u32,
    /// Its name: `ENOSPC`.
    pub name: &'static str,
    en: &'static str,
    zh: &'static str,
}

impl Errno {
    /// What it means, and what is true of the whole family.
    #[must_use]
    pub const fn text(&self, lang: Lang) -> Text {
        match lang {
            Lang::Zh => Text {
                meaning: self.zh,
                ..ANY_ZH
            },
            Lang::En => Text {
                meaning: self.en,
                ..ANY_EN
            },
        }
    }

    /// The error of a number of the family, where Linux has one.
    #[must_use]
    pub fn of_code(number: u32) -> Option<&'static Self> {
        let errno = number.checked_sub(BASE)?;
        ERRNOS.iter().find(|known| known.number == errno)
    }
}

/// What is true of each of them, in Chinese.
const ANY_ZH: Text = Text {
    meaning: "",
    cause: "操作系统拒绝了对文件、设备或连接的操作。",
    remedy: "按含义所述检查磁盘、权限、内存或网络，改正后再试。",
};
/// The same in English.
const ANY_EN: Text = Text {
    meaning: "",
    cause: "The operating system refused an operation on a file, a device or a connection.",
    remedy: "Look at what is named: the disk, its permissions, memory or the network. Put it right, then try again.",
};

const fn errno(number: u32, name: &'static str, en: &'static str, zh: &'static str) -> Errno {
    Errno {
        number,
        name,
        en,
        zh,
    }
}

const ERRNOS: &[Errno] = &[
    errno(
        1,
        "EPERM",
        "The operation is not permitted.",
        "操作不被允许。",
    ),
    errno(
        2,
        "ENOENT",
        "There is no such file or directory.",
        "文件或目录不存在。",
    ),
    errno(4, "EINTR", "The call was interrupted.", "系统调用被中断。"),
    errno(
        5,
        "EIO",
        "The device could not be read or written.",
        "设备读写失败。",
    ),
    errno(
        6,
        "ENXIO",
        "There is no such device or address.",
        "没有该设备或地址。",
    ),
    errno(9, "EBADF", "The file is not open.", "文件没有打开。"),
    errno(
        11,
        "EAGAIN",
        "The resource is busy for the moment.",
        "资源暂时不可用。",
    ),
    errno(12, "ENOMEM", "There is not enough memory.", "内存不足。"),
    errno(
        13,
        "EACCES",
        "The permission for it is missing.",
        "没有访问权限。",
    ),
    errno(
        16,
        "EBUSY",
        "The device or file is in use.",
        "设备或文件正被占用。",
    ),
    errno(17, "EEXIST", "The file exists already.", "文件已经存在。"),
    errno(
        18,
        "EXDEV",
        "The two paths lie on different devices.",
        "两个路径不在同一设备上。",
    ),
    errno(19, "ENODEV", "There is no such device.", "没有该设备。"),
    errno(
        20,
        "ENOTDIR",
        "A part of the path is no directory.",
        "路径中有一级不是目录。",
    ),
    errno(
        21,
        "EISDIR",
        "It is a directory, not a file.",
        "这是目录，不是文件。",
    ),
    errno(22, "EINVAL", "An argument is not valid.", "参数无效。"),
    errno(
        23,
        "ENFILE",
        "Too many files are open in the system.",
        "系统打开的文件过多。",
    ),
    errno(
        24,
        "EMFILE",
        "The program has too many files open.",
        "进程打开的文件过多。",
    ),
    errno(
        26,
        "ETXTBSY",
        "The program file is running.",
        "程序文件正在运行。",
    ),
    errno(27, "EFBIG", "The file is too large.", "文件过大。"),
    errno(28, "ENOSPC", "The disk is full.", "磁盘空间已满。"),
    errno(29, "ESPIPE", "It can not be sought.", "该对象不能定位。"),
    errno(
        30,
        "EROFS",
        "The file system is read-only.",
        "文件系统只读。",
    ),
    errno(31, "EMLINK", "There are too many links.", "链接过多。"),
    errno(
        32,
        "EPIPE",
        "The other end of the pipe is closed.",
        "管道另一端已关闭。",
    ),
    errno(36, "ENAMETOOLONG", "The name is too long.", "名称过长。"),
    errno(
        38,
        "ENOSYS",
        "The system does not know the call.",
        "系统不支持该调用。",
    ),
    errno(
        39,
        "ENOTEMPTY",
        "The directory is not empty.",
        "目录不为空。",
    ),
    errno(
        40,
        "ELOOP",
        "The links go round in a circle.",
        "符号链接形成循环。",
    ),
    errno(71, "EPROTO", "The protocol was broken.", "协议出错。"),
    errno(
        75,
        "EOVERFLOW",
        "The value is too large for its type.",
        "数值超出类型范围。",
    ),
    errno(
        95,
        "EOPNOTSUPP",
        "The operation is not supported here.",
        "此处不支持该操作。",
    ),
    errno(
        97,
        "EAFNOSUPPORT",
        "The address family is not supported.",
        "不支持该地址族。",
    ),
    errno(98, "EADDRINUSE", "The address is in use.", "地址已被占用。"),
    errno(
        99,
        "EADDRNOTAVAIL",
        "The address is not of this machine.",
        "本机没有该地址。",
    ),
    errno(100, "ENETDOWN", "The network is down.", "网络未启用。"),
    errno(
        101,
        "ENETUNREACH",
        "The network can not be reached.",
        "网络不可达。",
    ),
    errno(
        103,
        "ECONNABORTED",
        "The connection was aborted.",
        "连接被中止。",
    ),
    errno(
        104,
        "ECONNRESET",
        "The other side reset the connection.",
        "连接被对方重置。",
    ),
    errno(
        105,
        "ENOBUFS",
        "There is no room for more buffers.",
        "缓冲区不足。",
    ),
    errno(110, "ETIMEDOUT", "The time was up.", "操作超时。"),
    errno(
        111,
        "ECONNREFUSED",
        "The connection was refused.",
        "连接被拒绝。",
    ),
    errno(112, "EHOSTDOWN", "The host is down.", "主机已关闭。"),
    errno(
        113,
        "EHOSTUNREACH",
        "There is no way to the host.",
        "主机不可达。",
    ),
    errno(122, "EDQUOT", "The quota is used up.", "磁盘配额已用完。"),
];
