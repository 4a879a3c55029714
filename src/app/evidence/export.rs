//! A copy of the journal in a folder: its public files, every hour's last checkpoint, and the sealed parts that the holder may have.
//! An export that was cut off, or is older, is continued: full tiles never change.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::runtime::Handle;

use super::Trouble;
use super::files::{CHECKPOINT, EARLIER, Files};
use super::sealed::{SEALED, SealedPart, sealed_path};
use crate::journal::tile::{Row, Tile, WIDTH};
use crate::store::{Error, Store, examine, log, vouched};

/// Seconds between two checkpoints that are kept.
const HOUR: i64 = 3_600;

/// What is copied beside the public files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// Nothing about persons.
    None,
    /// Ciphertext and salt: they can be held against the entries, and not be read.
    Closed,
    /// And what they say, where the key still exists.
    Opened,
}

/// A folder with a copy.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Files for Folder {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let path = self.0.join(path);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(Trouble::File(path.display().to_string(), error)),
        }
    }

    fn read_into(&mut self, path: &str, place: &mut Vec<u8>) -> Result<bool, Trouble> {
        let path = self.0.join(path);
        match File::open(&path).and_then(|file| take(file, place)) {
            Ok(()) => Ok(true),
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(Trouble::File(path.display().to_string(), error)),
        }
    }

    fn run(&self) -> u64 {
        // Nothing is held before it is read: fewer times that threads wait for each other.
        64
    }

    fn has_sealed(&self) -> bool {
        // One that cannot be looked into is not passed by.
        fs::metadata(self.0.join(SEALED)).map_or_else(|error| !is_absent(&error), |_| true)
    }
}

/// The largest file of a copy: 256 sealed parts. One that says to be larger is not given the memory, and is none of a journal.
const LARGEST: u64 = 256 << 20;

/// Reads a file into a place that is used again, as far as it says to reach: nothing is made zero first, nor asked for once more.
fn take(mut file: File, place: &mut Vec<u8>) -> std::io::Result<()> {
    let length = file.metadata()?.len();
    if length > LARGEST {
        place.clear();
        return Ok(());
    }
    place.resize(usize::try_from(length).unwrap_or_default(), 0);
    let mut filled = 0;
    while let Some(rest) = place.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    place.truncate(filled);
    Ok(())
}

/// Whether there is no file of that name.
fn is_absent(error: &std::io::Error) -> bool {
    [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind())
}

impl Folder {
    fn has(&self, path: &str) -> bool {
        self.0.join(path).is_file()
    }

    /// Writes a file that anybody may read.
    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Trouble> {
        self.put(path, bytes, 0o666)
    }

    /// Writes a file that holds what nobody but its owner may read.
    fn write_for_us(&self, path: &str, bytes: &[u8]) -> Result<(), Trouble> {
        self.put(path, bytes, 0o600)
    }

    /// Writes a file under another name first: one that is there is whole.
    fn put(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Trouble> {
        let path = self.0.join(path);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            let beside = path.with_extension("new");
            // One that was left there may have been anybody's to read.
            match fs::remove_file(&beside) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // Not forced to the disk, one by one: whoever has a copy verifies it.
            OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?.write_all(bytes)?;
            fs::rename(&beside, &path)
        });
        written.map_err(|error| Trouble::File(path.display().to_string(), error))
    }

    /// Takes all sealed parts away, to be written anew: somebody may have been erased since, and what an earlier copy was allowed to hold
    /// this one may not be.
    fn forget_sealed(&self) -> Result<(), Trouble> {
        let path = self.0.join(SEALED);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Trouble::File(path.display().to_string(), error)),
            _ => Ok(()),
        }
    }

    fn remove(&self, path: &Path) {
        // Most often there is none.
        let _ = fs::remove_file(self.0.join(path));
    }
}

/// A copy under way.
struct Copy<'s> {
    store: &'s Store,
    runtime: Handle,
    folder: &'s Folder,
    size: u64,
}

/// Copies the journal up to its last checkpoint; answers the size. Not on a thread of the runtime.
///
/// # Errors
/// Nothing is signed yet, the database fails, or the disk does.
pub fn export(
    store: &Store,
    runtime: Handle,
    folder: &Folder,
    sealed: Sealed,
    mut copied: impl FnMut(u64, u64),
) -> Result<u64, Trouble> {
    let last = runtime.block_on(store.read(log::latest))?;
    let last = last.ok_or_else(|| Trouble::Said("nothing of this journal is signed yet".to_owned()))?;
    let before = size_of(folder);
    folder.forget_sealed()?;
    let copy = Copy { store, runtime, folder, size: last.size };
    let mut number = 0;
    while let Some(tile) = Tile::within(Row::Entries, number, last.size) {
        copy.tile(tile)?;
        copy.tile(Tile { row: Row::Hashes(0), ..tile })?;
        if sealed != Sealed::None {
            copy.sealed(tile, sealed)?;
        }
        number += 1;
        copied((number * u64::from(WIDTH)).min(last.size), last.size);
    }
    for level in 1..8 {
        let tiles = (0..).map_while(|index| Tile::within(Row::Hashes(level), index, last.size));
        tiles.into_iter().try_for_each(|tile| copy.tile(tile))?;
    }
    copy.earlier()?;
    let lines = copy.runtime.block_on(store.read(move |db| log::cosignatures(db, last.size)))?;
    // Last: whoever reads it finds everything under it.
    folder.write(CHECKPOINT, (last.note + &lines.concat()).as_bytes())?;
    copy.outgrown(before);
    Ok(last.size)
}

/// How much the folder holds already.
fn size_of(folder: &Folder) -> u64 {
    let note = fs::read_to_string(folder.0.join(CHECKPOINT)).unwrap_or_default();
    note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}

impl Copy<'_> {
    fn tile(&self, tile: Tile) -> Result<(), Trouble> {
        let path = tile.to_string();
        if self.folder.has(&path) {
            return Ok(());
        }
        let bytes = self.runtime.block_on(self.store.read(move |db| log::tile(db, tile)))?;
        self.folder.write(&path, &bytes)
    }

    fn sealed(&self, tile: Tile, sealed: Sealed) -> Result<(), Trouble> {
        let path = sealed_path(tile);
        let (first, size) = (tile.index * u64::from(WIDTH), self.size);
        let batch = self.runtime.block_on(self.store.read(move |db| examine::batch(db, first, size)))?;
        let mut lines = Vec::new();
        for (position, slot) in (first..size).zip(batch.unwrap_or_default().slots) {
            for part in slot.stands.sealed {
                let opened = part.opened.and_then(Result::ok).filter(|_| sealed == Sealed::Opened);
                let line = SealedPart {
                    position,
                    entry: slot.placed.first().cloned().unwrap_or_default(),
                    owner: part.owner,
                    salt: STANDARD.encode(part.salt),
                    ciphertext: STANDARD.encode(part.ciphertext),
                    opened: opened.and_then(|plain| serde_json::from_slice(&plain).ok()),
                };
                lines.extend(serde_json::to_vec(&line).map_err(|_| Error::Corrupt("journal_sealed"))?);
                lines.push(b'\n');
            }
        }
        self.folder.write_for_us(&path, &lines)
    }

    /// The last checkpoint of each hour, and the last that each witness signed, oldest first.
    fn earlier(&self) -> Result<(), Trouble> {
        let (mut lines, mut after, mut held) = (Vec::new(), 0, None::<(i64, i64, String)>);
        let before = self.size;
        let signed = self.runtime.block_on(self.store.read(move |db| vouched::cosigned_before(db, before)))?;
        loop {
            let page = self.runtime.block_on(self.store.read(move |db| examine::checkpoints(db, after)))?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for row in page.into_iter().filter_map(|(_, row)| row) {
                if u64::try_from(row.size).is_ok_and(|size| size >= self.size) {
                    continue;
                }
                let hour = row.at.and_utc().timestamp().div_euclid(HOUR);
                if let Some((at, size, note)) = held.replace((hour, row.size, row.note))
                    && (at != hour || signed.contains(&size))
                {
                    self.line(&mut lines, size, note)?;
                }
            }
        }
        if let Some((_, size, note)) = held {
            self.line(&mut lines, size, note)?;
        }
        self.folder.write(EARLIER, &lines)
    }

    /// A checkpoint, with the signatures of witnesses that it has.
    fn line(&self, lines: &mut Vec<u8>, size: i64, note: String) -> Result<(), Trouble> {
        let size = u64::try_from(size).map_err(|_| Error::Corrupt("journal_checkpoints.size"))?;
        let witnesses = self.runtime.block_on(self.store.read(move |db| log::cosignatures(db, size)))?;
        let note = note + &witnesses.concat();
        lines.extend(serde_json::to_vec(&note).map_err(|_| Error::Corrupt("journal_checkpoints.note"))?);
        lines.push(b'\n');
        Ok(())
    }

    /// Takes away the partial tiles of the tree that the folder had before, where they have grown.
    fn outgrown(&self, before: u64) {
        let rows = (0..8).map(Row::Hashes).chain([Row::Entries]);
        for (row, height) in rows.zip([8_u32, 16, 24, 32, 40, 48, 56, 64, 8]) {
            let index = before.checked_shr(height).unwrap_or(0);
            let (old, new) = (Tile::within(row, index, before), Tile::within(row, index, self.size));
            if let Some(old) = old.filter(|old| !old.is_full() && Some(*old) != new) {
                self.folder.remove(Path::new(&old.to_string()));
            }
        }
    }
}
