//! What a frame is drawn on before the terminal sees it: the bytes that would change what is
//! shown into what is to be shown.

use std::{fmt, io};

use ratatui::{
    backend::{Backend, ClearType, CrosstermBackend, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
};

/// Frames above this size are shown in one go by terminals that know how to (DEC private mode 2026).
/// It is always asked for and nobody is asked first (DECRQM): the answer would come in among the
/// keys, late on a slow line, and there is nothing to decide by it. A private mode that a terminal
/// does not know does nothing there (xterm's control sequences; the `set_mode` of Linux's console
/// has no other case; tried with tmux 3.3a and screen 4.9.0, which show no byte of it).
const LARGE: usize = 1_024;
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// A backend that writes to memory and asks the terminal for nothing but its size.
pub struct Paper {
    /// Columns and rows of what is drawn on.
    size: Box<dyn Fn() -> (u16, u16)>,
    out: Vec<u8>,
    /// Where the cursor is, as far as anybody asks.
    position: Position,
    /// Whether it is shown, when that is known.
    shown: Option<bool>,
}

impl Paper {
    /// An empty one for something of this size, in columns and rows.
    pub fn new(size: impl Fn() -> (u16, u16) + 'static) -> Self {
        Self { size: Box::new(size), out: Vec::new(), position: Position::ORIGIN, shown: None }
    }

    /// The bytes drawn since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        let drawn = std::mem::take(&mut self.out);
        if drawn.len() > LARGE { [BEGIN, &drawn, END].concat() } else { drawn }
    }

    /// Nothing is known any more of what the terminal shows.
    pub fn forget(&mut self) {
        self.out.clear();
        self.shown = None;
    }

    fn pen(&mut self) -> CrosstermBackend<&mut Vec<u8>> {
        CrosstermBackend::new(&mut self.out)
    }
}

impl fmt::Debug for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paper").field("out", &self.out.len()).finish_non_exhaustive()
    }
}

impl Backend for Paper {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // Without a change not even the colours are set back.
        if content.peek().is_some() { self.pen().draw(content) } else { Ok(()) }
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(false) == Some(false) { Ok(()) } else { self.pen().hide_cursor() }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(true) == Some(true) { Ok(()) } else { self.pen().show_cursor() }
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.position)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.position = position.into();
        let position = self.position;
        self.pen().set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.pen().clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.pen().clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(Size::from((self.size)()))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
