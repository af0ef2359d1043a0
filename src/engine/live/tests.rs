use std::{cell::Cell, rc::Rc, sync::Arc};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::*;
use crate::{
    observation::UnitName,
    remedy::{Action, Blast, Digest, Offer, Plan, Progress},
    session::{Attention, Clip, Draft, Key, KeyCode, Powers, Typed},
    verification::Expectation,
};

/// A terminal that takes what is drawn when it is let.
#[derive(Default)]
struct Stalled {
    free: Rc<Cell<bool>>,
}

impl Screen for Stalled {
    fn draw(&mut self, _: &Model) {
        self.free.set(false);
    }

    fn is_free(&self) -> bool {
        self.free.get()
    }

    async fn freed(&self) {}

    fn size(&self) -> (u16, u16) {
        (100, 30)
    }

    fn typing() -> fn(&Draft, &Typed) -> Draft {
        |draft, _| draft.clone()
    }

    fn repaint(&mut self) {}

    fn copy(&mut self, _: Clip) {}

    fn ring(&mut self) {}
}

/// A session that is about to draw the question whether a unit shall be started.
fn asking(screen: Stalled) -> Live<Stalled> {
    let unit = UnitName::new("shop.service").unwrap();
    let plan = Plan {
        remedy: "start-unit".to_owned(),
        cause: "app-unit-stopped".to_owned(),
        whom: "shop.service".to_owned(),
        why: "shop.service is stopped".to_owned(),
        steps: vec![Action::StartUnit { unit }],
        expect: Expectation::default(),
        blast: Blast::default(),
    };
    let mut model = Model::new();
    model.powers = Powers::Act;
    model.view.size = screen.size();
    model.offers = vec![Offer {
        cause: "app-unit-stopped",
        whom: "shop.service".to_owned(),
        plans: vec![plan],
        refusal: None,
        edit_at: None,
    }];
    let (queue, events) = mpsc::channel(1);
    let (attention, _) = watch::channel(Arc::new(Attention::default()));
    let running = Running { events, queue, attention, ids: Vec::new(), tasks: JoinSet::new() };
    let mut live = Live::new(model, running, screen);
    live.fold(&Event::Key(Key { code: KeyCode::Char('r'), control: false }));
    let (digest, nonce) = (Digest::of(b"plan"), "n1".to_owned());
    let ready = Progress::Ready { digest, nonce, type_name: None };
    live.fold(&Event::Progress(Box::new(ready)));
    live
}

#[test]
fn a_question_that_a_stalled_terminal_has_not_taken_begins_to_count_only_when_it_has() {
    let free = Rc::new(Cell::new(true));
    let mut live = asking(Stalled { free: Rc::clone(&free) });
    assert!(live.shown.model.unseen_question().is_some());
    live.catch_up();
    assert!(live.shown.model.unseen_question().is_none(), "it was drawn");
    let counts = |live: &Live<Stalled>| live.arming.is_some_and(|arming| arming.at.is_some());
    assert!(!counts(&live), "it lies before a terminal that takes nothing");
    live.catch_up();
    assert!(!counts(&live), "it still does");
    free.set(true);
    live.catch_up();
    assert!(counts(&live));
}
