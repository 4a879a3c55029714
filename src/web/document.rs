//! A frozen text as it is shown and printed. Only its form is read here; its words never change.

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The title: the first line.
    Title(String),
    /// The title of another text in the same document, after a line of dashes.
    Subtitle(String),
    /// Lines that belong together.
    Lines(Vec<String>),
    /// A list.
    Items(Vec<String>),
}

/// A text made of blocks, as [`agreement_text`](crate::domain::mandate::document::agreement_text) writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its parts, in order.
    pub blocks: Vec<Block>,
}

/// What the next line starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Title,
    Subtitle,
    Block,
    Line,
}

impl Document {
    /// Reads the blocks of a text. Every line is shown, whatever it holds.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        let mut next = Next::Title;
        for line in text.lines() {
            next = match (next, line) {
                (Next::Subtitle, "") | (_, "----") => Next::Subtitle,
                (Next::Title, "") => Next::Title,
                (_, "") => Next::Block,
                (Next::Title, title) => {
                    blocks.push(Block::Title(title.to_owned()));
                    Next::Block
                }
                (Next::Subtitle, title) => {
                    blocks.push(Block::Subtitle(title.to_owned()));
                    Next::Block
                }
                (_, line) => {
                    add(&mut blocks, line, next == Next::Block);
                    Next::Line
                }
            };
        }
        Self { blocks }
    }
}

/// Adds a line to the last block, or starts another.
fn add(blocks: &mut Vec<Block>, line: &str, apart: bool) {
    match (line.strip_prefix("- "), blocks.last_mut()) {
        (Some(item), Some(Block::Items(items))) if !apart => items.push(item.to_owned()),
        (Some(item), _) => blocks.push(Block::Items(vec![item.to_owned()])),
        (None, Some(Block::Lines(lines))) if !apart => lines.push(line.to_owned()),
        (None, _) => blocks.push(Block::Lines(vec![line.to_owned()])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_shown_in_order_once() {
        let text = "MANDAT\n\nJe suis Ana.\nNée en 1962.\n\n- Logement\n- Justice\n\nCe mandat dure 1 jour.\n----\nMANDATE\n- All\n";
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            Document::read(text).blocks,
            [
                Block::Title("MANDAT".into()),
                Block::Lines(lines(&["Je suis Ana.", "Née en 1962."])),
                Block::Items(lines(&["Logement", "Justice"])),
                Block::Lines(lines(&["Ce mandat dure 1 jour."])),
                Block::Subtitle("MANDATE".into()),
                Block::Items(lines(&["All"])),
            ]
        );
    }
}
