//! The last checkpoint that this machine knows to be signed, in a file beside the database and not in it: a database restored from a
//! backup has forgotten what the world was told.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::app::durable;
use crate::journal::checkpoint::Checkpoint;
use crate::journal::note::Verifier;

/// The file.
pub(super) struct Memory {
    path: PathBuf,
    last: Option<Checkpoint>,
}

impl Memory {
    /// Reads the file. None yet is well: nothing was signed.
    ///
    /// # Errors
    /// It cannot be read, or holds no checkpoint by this key.
    pub(super) fn open(path: &Path, log: &Verifier) -> Result<Self, String> {
        let shown = path.display();
        let last = match fs::read_to_string(path) {
            Ok(note) => Some(
                Checkpoint::open(&note, log)
                    .map_err(|fault| format!("{shown} does not hold a checkpoint of {}: {fault}", log.name()))?,
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{shown} cannot be read: {error}")),
        };
        Ok(Self { path: path.to_owned(), last })
    }

    /// What it holds.
    pub(super) const fn last(&self) -> Option<&Checkpoint> {
        self.last.as_ref()
    }

    /// Keeps a checkpoint. It is on the disk when this answers; what was there is there until then.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn keep(&mut self, checkpoint: Checkpoint, note: &str) -> Result<(), String> {
        let written = durable::replace(&self.path, note.as_bytes());
        written.map_err(|error| format!("{} cannot be written: {error}", self.path.display()))?;
        self.last = Some(checkpoint);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::note::{Purpose, Signer};

    #[test]
    fn what_was_kept_is_read_again_and_anything_else_is_refused() {
        let folder = std::env::temp_dir().join(format!("memory_{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("signed");
        let signer = Signer::new("log.example.fr", Purpose::Note, &[3; 32]).unwrap();
        let checkpoint =
            Checkpoint { origin: "log.example.fr".to_owned(), size: 7, root: [1; 32], extensions: Vec::new() };
        let mut memory = Memory::open(&path, signer.verifier()).unwrap();
        assert_eq!(memory.last(), None);
        memory.keep(checkpoint.clone(), &checkpoint.sign(&signer, 1)).unwrap();
        assert_eq!(Memory::open(&path, signer.verifier()).unwrap().last(), Some(&checkpoint));
        let other = Signer::new("log.example.fr", Purpose::Note, &[4; 32]).unwrap();
        assert!(Memory::open(&path, other.verifier()).is_err());
        fs::write(&path, "").unwrap();
        assert!(Memory::open(&path, signer.verifier()).is_err(), "an empty file is no memory");
        fs::remove_dir_all(&folder).unwrap();
    }
}
