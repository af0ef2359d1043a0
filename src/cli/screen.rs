//! The session on the person's terminal.

use std::{cell::RefCell, io, rc::Rc};

use crate::{
    engine::{desk::Report, live::Screen},
    host::terminal::Terminal,
    observation::Wall,
    report::postmortem::{Subject, assemble, html, markdown},
    session::{Clip, Draft, Model, Typed, impact::Reach},
    tui::{self, Look, Paper, Snapshot},
};

use super::{asides::Asides, fuse::Fuse};

/// Draws a session on a terminal.
pub(super) struct TerminalScreen {
    terminal: Terminal,
    canvas: ratatui::Terminal<Paper>,
    look: Look,
    asides: Asides,
    /// What is said when the screen is given back.
    parting: Rc<RefCell<String>>,
    /// Frames until a failure that a test asked for.
    fuse: Option<Fuse>,
}

impl TerminalScreen {
    /// A screen that shows nothing yet.
    ///
    /// # Errors
    /// As the canvas, which is memory.
    pub(super) fn new(
        terminal: Terminal,
        look: Look,
        fuse: Option<Fuse>,
        parting: Rc<RefCell<String>>,
    ) -> io::Result<Self> {
        // The theme alone decides about colours; the library would drop them behind its back.
        crossterm::style::force_color_output(true);
        let shown = terminal.clone();
        let paper = Paper::new(move || shown.size());
        let canvas = ratatui::Terminal::new(paper)?;
        Ok(Self { terminal, canvas, look, asides: Asides::default(), parting, fuse })
    }
}

impl Screen for TerminalScreen {
    fn draw(&mut self, model: &Model) {
        if let Some(fuse) = &mut self.fuse {
            fuse.burn();
        }
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

    fn picture(&self, model: &Model) -> Option<(String, String)> {
        let snapshot = Snapshot { model, look: &self.look };
        let picture = tui::picture(&snapshot, self.size());
        Some((picture.text, picture.svg))
    }

    fn report(&self, model: &Model) -> Option<Report> {
        let (case, diagnosis) = (model.case.clone(), model.diagnosis.clone());
        let (host, zone) = (self.look.host.clone(), self.look.zone.clone());
        let looked = Some(model.began).filter(|at| *at != Wall::default());
        Some(Box::new(move |deeds| {
            let report = assemble(&Subject {
                case: &case,
                diagnosis: &diagnosis,
                height: None,
                deeds: deeds.unwrap_or_default(),
                deeds_unread: deeds.err(),
                host: &host,
                zone: &zone,
                source: "this host",
                reach: Reach::default(),
                looked,
                lost: &[],
                remembered: None,
            });
            (markdown(&report, false), html(&report))
        }))
    }

    fn farewell(&mut self, model: &Model) {
        *self.parting.borrow_mut() = model.summary(&self.look.zone);
    }

    fn copy(&mut self, clip: Clip) {
        self.asides.copy(clip);
    }

    fn ring(&mut self) {
        self.asides.ring();
    }

    fn typing() -> fn(&Draft, &Typed) -> Draft {
        tui::edit
    }

    fn repaint(&mut self) {
        self.asides.forget();
        self.canvas.backend_mut().forget();
        drop(self.canvas.clear());
    }
}
