//! What is known and wrong in the file that is being edited.

use crate::session::{
    Layer, Model,
    page::{Block, Page, Tone},
};

/// What is wrong first, then what is known; the question whether to leave above both.
pub fn draft(model: &Model) -> Page {
    let mut page = Page::new("What is known");
    let Some(draft) = &model.draft else { return page };
    if matches!(model.view.layers.last(), Some(Layer::Leave)) {
        page.text(Tone::Strong, "Throw the changes away?");
        page.text(Tone::Plain, "y = throw away   any other key = edit on");
    } else if !draft.said.is_empty() && draft.base.is_some() {
        page.text(Tone::Warn, draft.said.clone());
    }
    for problem in &draft.problems {
        let (mark, tone) = if problem.grave { ('✗', Tone::Bad) } else { ('!', Tone::Warn) };
        let text = format!("line {}: {}", problem.row + 1, problem.what);
        page.blocks.push(Block::Event(mark, tone, None, text, String::new()));
    }
    for line in &draft.known {
        page.blocks.push(Block::Event('·', Tone::Muted, None, line.clone(), String::new()));
    }
    page
}
