//! Where a session is shown.

use crate::{
    engine::desk::Report,
    session::{Clip, Draft, Model, Typed},
};

/// Where a session is shown.
pub trait Screen {
    /// Shows a model. Only called when the last frame has been taken.
    fn draw(&mut self, model: &Model);

    /// Whether the last frame has been taken.
    fn is_free(&self) -> bool;

    /// Returns when the last frame has been taken.
    fn freed(&self) -> impl Future<Output = ()>;

    /// Its size now: columns and rows.
    fn size(&self) -> (u16, u16);

    /// What is shown, as text and as SVG, to be kept; nothing where nothing can be kept.
    fn picture(&self, _: &Model) -> Option<(String, String)> {
        None
    }

    /// What writes the post-mortem of what is known now; nothing where nothing can be kept.
    fn report(&self, _: &Model) -> Option<Report> {
        None
    }

    /// The person leaves: what should stay when the screen is given back.
    fn farewell(&mut self, _: &Model) {}

    /// Forgets what is shown, so that the next frame is drawn whole.
    fn repaint(&mut self);

    /// Puts a text into the clipboard of whoever sits there, with the next frame. Of several before
    /// it the last one counts.
    fn copy(&mut self, clip: Clip);

    /// Rings with the next frame.
    fn ring(&mut self);

    /// What typing does to a file that is edited. There is no default: a screen that forgot it would
    /// show an editor in which nothing can be typed.
    fn typing() -> fn(&Draft, &Typed) -> Draft;
}
