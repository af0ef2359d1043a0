//! Owner, mode and extended attributes: access lists, labels, capabilities.

use std::os::fd::AsFd;

use rustix::{
    fs::{Gid, Mode, Stat, Uid, XattrFlags},
    io::Errno,
};

use super::EditFileError;

/// Bytes of the list of names, and of one value (the kernel's own bounds, xattr(7)).
const LIMIT: usize = 64 * 1024;

/// Signatures over the content: they would not fit a new one, and cannot be made again here.
const SIGNATURES: [&str; 2] = ["security.ima", "security.evm"];

/// An extended attribute.
pub(super) type Attribute = (String, Vec<u8>);

/// Reads all of them; refuses what could not be carried over.
pub(super) fn read(file: impl AsFd) -> Result<Vec<Attribute>, EditFileError> {
    let mut list = vec![0_u8; LIMIT];
    let size = match rustix::fs::flistxattr(&file, list.as_mut_slice()) {
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(Vec::new()),
        other => other?,
    };
    let names = list.get(..size).unwrap_or_default();
    let mut all = Vec::new();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8_lossy(name).into_owned();
        if SIGNATURES.contains(&name.as_str()) {
            return Err(EditFileError::Attribute(name));
        }
        let mut value = vec![0_u8; LIMIT];
        match rustix::fs::fgetxattr(&file, name.as_str(), value.as_mut_slice()) {
            Ok(size) => value.truncate(size),
            // It went away between the two calls.
            Err(Errno::NODATA) => continue,
            Err(_) => return Err(EditFileError::Attribute(name)),
        }
        all.push((name, value));
    }
    Ok(all)
}

/// Gives a new file what the old one had. Changing the owner clears bits of the mode, and the mode
/// is part of an access list: this order keeps all three.
pub(super) fn copy(
    to: impl AsFd,
    stat: &Stat,
    attributes: &[Attribute],
) -> Result<(), EditFileError> {
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    rustix::fs::fchown(&to, Some(uid), Some(gid))?;
    rustix::fs::fchmod(&to, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    for (name, value) in attributes {
        match rustix::fs::fsetxattr(&to, name.as_str(), value, XattrFlags::empty()) {
            Ok(()) => {}
            Err(Errno::NOSPC | Errno::DQUOT) => return Err(EditFileError::Full),
            Err(_) => return Err(EditFileError::Attribute(name.clone())),
        }
    }
    Ok(())
}
