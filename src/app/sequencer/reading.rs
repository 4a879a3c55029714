//! What the database says of the tree, held against what this machine knows.

use std::time::Instant;

use super::{Sequencer, Standing, Trouble};
use crate::journal::checkpoint::Checkpoint;
use crate::journal::tile::{Edge, Tile, Tiled};
use crate::journal::tree::Nodes;
use crate::store::log::{self, Published};
use crate::store::{self, Db};

impl Sequencer {
    /// Whether what was read of the tree still holds. A machine that remembers nothing looks each time: meanwhile another database may
    /// have taken the place of an empty one.
    pub(super) async fn is_still(&self, standing: &Standing) -> Result<bool, store::Error> {
        Ok(self.memory.last().is_some() || self.store.read(log::latest).await? == standing.last)
    }

    /// The tree to go on from, if this machine can tell that nothing was lost: where it remembers nothing, nothing may have been signed.
    pub(super) async fn remembered(&mut self) -> Result<Standing, Trouble> {
        let standing = self.read().await?;
        if self.memory.last().is_some() {
            return Ok(standing);
        }
        let by = self.signer.verifier().clone();
        match self.store.read(move |db| log::newest(db, |note| Checkpoint::open(note, &by).is_ok())).await? {
            Some(signed) => Err(Trouble::Unremembered(signed)),
            None => Ok(standing),
        }
    }

    /// A checkpoint of the database, if this key signed it.
    fn signed_here(&self, last: &Published) -> Option<Checkpoint> {
        Checkpoint::open(&last.note, self.signer.verifier()).ok()
    }

    /// The tree as the database has it, held against what was signed.
    async fn read(&mut self) -> Result<Standing, Trouble> {
        let known = self.memory.last().cloned();
        let standing = self
            .store
            .read(move |db| {
                let (last, found) = (log::latest(db)?, log::given(db)?);
                let size = last.as_ref().map_or(0, |last| last.size);
                let signed = known.as_ref().map_or(size, |known| known.size.max(size));
                if found < signed {
                    return Err(Trouble::RolledBack { signed, found });
                }
                let edge = Edge::read(size, |tile| tile_of(db, tile))?;
                if last.as_ref().is_some_and(|last| last.root != edge.root()) {
                    return Err(Trouble::Forked(size));
                }
                if let Some(known) = known.filter(|known| known.size <= size)
                    && Tiled::new(size, |tile| tile_of(db, tile)).range(0..known.size)? != known.root
                {
                    return Err(Trouble::Forked(known.size));
                }
                Ok(Standing { edge, last })
            })
            .await?;
        if let Some(last) = &standing.last
            && self.signed_here(last).is_none()
            && !std::mem::replace(&mut self.foreign, true)
        {
            tracing::warn!(last.size, "the last checkpoint is not by this key: from here on, this is another log");
        }
        Ok(standing)
    }

    /// Remembers what another node signed, so that this one knows it when it takes over; if it follows from what this one knows. Whoever
    /// remembers nothing believes what it sees a living node sign, and not what the database says of earlier.
    pub(super) async fn follow(&mut self) -> Result<(), Trouble> {
        let looked = self.store.read(|db| Ok::<_, store::Error>((log::latest(db)?, log::holder(db)?)));
        let (last, holder) = looked.await?;
        let size = last.as_ref().map_or(0, |last| last.size);
        if self.memory.last().is_none() && !self.joining.sees(holder, size, Instant::now()) {
            self.shown.joins(last.as_ref().is_some_and(|last| self.signed_here(last).is_some()));
            last.inspect(|last| self.shown.signed(last.size, last.at));
            return Ok(());
        }
        if self.followed == Some(size) {
            return Ok(());
        }
        let Some(last) = self.read().await?.last else { return Ok(()) };
        let known = self.memory.last().map_or(0, |known| known.size);
        if let Some(checkpoint) = self.signed_here(&last)
            && checkpoint.size > known
        {
            self.memory.keep(checkpoint, &last.note).map_err(Trouble::Memory)?;
        }
        self.followed = Some(last.size);
        self.shown.joins(false);
        self.shown.signed(last.size, last.at);
        Ok(())
    }
}

fn tile_of(db: &mut Db<'_>, tile: Tile) -> Result<Vec<u8>, Trouble> {
    Ok(log::tile(db, tile)?)
}
