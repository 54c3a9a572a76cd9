//! Transport packets (ISO/IEC 13818-1 2.4.3.2).

/// Bytes of a transport packet.
pub(super) const PACKET_LEN: usize = 188;
/// The byte that each packet begins with.
pub(super) const SYNC_BYTE: u8 = 0x47;

/// A transport packet, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TsPacket<'a> {
    pub(super) pid: u16,
    /// A PES packet or a section begins in the payload.
    pub(super) unit_start: bool,
    pub(super) scrambled: bool,
    pub(super) continuity: u8,
    pub(super) discontinuity: bool,
    pub(super) random_access: bool,
    /// Its payload was too short for the packet. What ends a PES packet mostly is (ISO/IEC 13818-1 2.4.3.5).
    pub(super) stuffed: bool,
    /// The base of the program clock reference: 33 bits at 90 kHz.
    pub(super) pcr: Option<u64>,
    /// `None` when the packet has an adaptation field only.
    pub(super) payload: Option<&'a [u8]>,
}

/// A packet that its sender marked as damaged, or that contradicts itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadPacket;

impl<'a> TsPacket<'a> {
    /// Reads a packet of 188 bytes from its sync byte on.
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, BadPacket> {
        let Some((&[SYNC_BYTE, b1, b2, b3], rest)) = data.split_first_chunk() else {
            return Err(BadPacket);
        };
        if b1 & 0x80 != 0 {
            return Err(BadPacket); // transport_error_indicator
        }
        let mut packet = Self {
            pid: u16::from(b1 & 0x1f) << 8 | u16::from(b2),
            unit_start: b1 & 0x40 != 0,
            scrambled: b3 & 0xc0 != 0,
            continuity: b3 & 0x0f,
            discontinuity: false,
            random_access: false,
            stuffed: false,
            pcr: None,
            payload: None,
        };
        let mut payload = rest;
        if b3 & 0x20 != 0 {
            let (&len, after) = rest.split_first().ok_or(BadPacket)?;
            let (field, after) = after.split_at_checked(len.into()).ok_or(BadPacket)?;
            packet.read_adaptation(field);
            payload = after;
        }
        if b3 & 0x10 != 0 {
            packet.payload = Some(payload);
        }
        Ok(packet)
    }

    fn read_adaptation(&mut self, field: &[u8]) {
        let Some((&flags, rest)) = field.split_first() else {
            self.stuffed = true; // a length of zero is a single byte of stuffing
            return;
        };
        self.stuffed = used_by_fields(flags, rest) < rest.len();
        self.discontinuity = flags & 0x80 != 0;
        self.random_access = flags & 0x40 != 0;
        if flags & 0x10 != 0
            && let Some(&[a, b, c, d, e, _]) = rest.first_chunk()
        {
            self.pcr = Some(u64::from(u32::from_be_bytes([a, b, c, d])) << 1 | u64::from(e >> 7));
        }
    }
}

/// Bytes of an adaptation field behind its flags that are no stuffing (ISO/IEC 13818-1 2.4.3.4).
fn used_by_fields(flags: u8, rest: &[u8]) -> usize {
    let fixed = [(0x10, 6), (0x08, 6), (0x04, 1)]; // PCR, OPCR, splice countdown
    let fixed = fixed.iter().filter(|(flag, _)| flags & flag != 0);
    let mut used: usize = fixed.map(|(_, len)| len).sum();
    // Private data and the extension say how long they are.
    for flag in [0x02, 0x01] {
        if flags & flag != 0 {
            let len = rest.get(used).copied().unwrap_or(0);
            used = used.saturating_add(usize::from(len)).saturating_add(1);
        }
    }
    used
}
