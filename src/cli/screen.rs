//! The session on the person's terminal.

use std::io;

use crate::{
    engine::live::Screen,
    host::terminal::Terminal,
    session::{Clip, Model},
    tui::{self, Look, Snapshot},
};

use super::{asides::Asides, paper::Paper};

/// Draws a session on a terminal.
pub(super) struct TerminalScreen {
    terminal: Terminal,
    canvas: ratatui::Terminal<Paper>,
    look: Look,
    asides: Asides,
    /// Frames until a failure that a test asked for.
    fuse: Option<u8>,
}

impl TerminalScreen {
    /// A screen that shows nothing yet.
    ///
    /// # Errors
    /// As the canvas, which is memory.
    pub(super) fn new(terminal: Terminal, look: Look, fuse: Option<u8>) -> io::Result<Self> {
        // The theme alone decides about colours; the library would drop them behind its back.
        crossterm::style::force_color_output(true);
        let paper = Paper::new(terminal.clone());
        let canvas = ratatui::Terminal::new(paper)?;
        Ok(Self { terminal, canvas, look, asides: Asides::default(), fuse })
    }

    #[expect(clippy::panic, reason = "the way back from a failure is tested by failing")]
    fn burn(&mut self) {
        match &mut self.fuse {
            Some(0) => panic!("asked to fail after a frame \u{1b}[31m"),
            Some(left) => *left -= 1,
            None => {}
        }
    }
}

impl Screen for TerminalScreen {
    fn draw(&mut self, model: &Model) {
        self.burn();
        let snapshot = Snapshot { model, look: &self.look };
        // The canvas is memory and does not fail.
        drop(self.canvas.draw(|frame| tui::draw(frame, &snapshot)));
        let mut frame = self.asides.take(!model.view.mouse_off);
        frame.extend(self.canvas.backend_mut().take());
        if !frame.is_empty() {
            self.terminal.submit(&frame);
        }
    }

    fn is_free(&self) -> bool {
        self.terminal.is_free()
    }

    async fn freed(&self) {
        self.terminal.freed().await;
    }

    fn size(&self) -> (u16, u16) {
        self.terminal.size()
    }

    fn copy(&mut self, clip: Clip) {
        self.asides.copy(clip);
    }

    fn ring(&mut self) {
        self.asides.ring();
    }

    fn repaint(&mut self) {
        self.asides.forget();
        self.canvas.backend_mut().forget();
        drop(self.canvas.clear());
    }
}
