//! A frozen text as it is shown and printed. Only its form is read here; its words never change.

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The title.
    Title(String),
    /// The title of a part.
    Heading(String),
    /// One or several sentences.
    Paragraph(String),
    /// A list.
    Items(Vec<String>),
}

/// A text made of blocks, as [`Wording`](crate::web::texts::mandate::Wording) writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its parts, in order.
    pub blocks: Vec<Block>,
}

impl Document {
    /// Reads the blocks of a text. Every line is shown, whatever it holds.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(item) = line.strip_prefix("- ") {
                match blocks.last_mut() {
                    Some(Block::Items(items)) => items.push(item.to_owned()),
                    _ => blocks.push(Block::Items(vec![item.to_owned()])),
                }
            } else if let Some(heading) = line.strip_prefix("## ") {
                blocks.push(Block::Heading(heading.to_owned()));
            } else if let Some(title) = line.strip_prefix("# ") {
                blocks.push(Block::Title(title.to_owned()));
            } else {
                blocks.push(Block::Paragraph(line.to_owned()));
            }
        }
        Self { blocks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_shown_in_order() {
        let document = Document::read("# Mandat\nJe donne mandat\n- Logement\n- Justice\n## J’ai compris\n- Tout\n");
        assert_eq!(
            document.blocks,
            [
                Block::Title("Mandat".into()),
                Block::Paragraph("Je donne mandat".into()),
                Block::Items(vec!["Logement".into(), "Justice".into()]),
                Block::Heading("J’ai compris".into()),
                Block::Items(vec!["Tout".into()]),
            ]
        );
    }
}
