//! Memory: the host, control groups, kills, crashes, disks.

use crate::{
    observation::{KillScope, Owner, Text},
    session::{
        Shown,
        figures::{bytes, percent, span},
        page::{Block, Page, Tone},
        rows,
        states::serves,
    },
};

pub(super) fn host(shown: &Shown<'_>) -> Page {
    let mut page = Page::new("Memory of the host");
    if let Some(sample) = shown.case.memory.last() {
        let m = sample.value;
        let used = m.total.saturating_sub(m.available);
        page.entry(
            "in use",
            format!("{} of {} ({})", bytes(used), bytes(m.total), percent(used, m.total)),
        );
        page.entry("available", bytes(m.available));
        let swapped = m.swap_total.saturating_sub(m.swap_free);
        if m.swap_total > 0 {
            page.entry("swap", format!("{} of {}", bytes(swapped), bytes(m.swap_total)));
        } else {
            page.entry("swap", "none");
        }
    }
    if let Some(p) = shown.case.pressure.as_ref().map(|p| p.value) {
        page.heading("Share of the last 10 s in which tasks waited");
        for (name, stall) in [("cpu", p.cpu), ("memory", p.memory), ("disk", p.io)] {
            let text = stall.map_or_else(
                || "the kernel does not tell".to_owned(),
                |s| {
                    let minute = s.some_60.zip(s.full_60);
                    let minute = minute.map_or_else(String::new, |(some, full)| {
                        format!("; last minute {some:.0} % and {full:.0} %")
                    });
                    format!("{:.0} % some task, {:.0} % all tasks{minute}", s.some, s.full)
                },
            );
            page.entry(name, text);
        }
    }
    if let Some(cpu) = shown.case.cpu.as_ref().map(|c| c.value) {
        page.heading("CPU");
        page.entry("busy", format!("{:.0} % of {}", cpu.busy * 100.0, cpu.cpus));
        let [one, five, fifteen] = cpu.load;
        page.entry("load", format!("{one:.1} {five:.1} {fifteen:.1}"));
    }
    page
}

pub(super) fn kill(shown: &Shown<'_>, sequence: u64) -> Option<Page> {
    let kill = shown.case.kills.iter().find(|k| k.sequence == sequence)?;
    let mut page = Page::new(format!("Memory kill of {}", kill.name));
    let outside = rows::outside(shown, kill);
    let tone = if outside.is_none() { Tone::Bad } else { Tone::Muted };
    let words = outside.unwrap_or("within this incident");
    page.toned("when", tone, format!("{}, {words}", kill.at));
    page.entry("victim", format!("{} (pid {})", kill.name, kill.pid));
    page.entry("belonged to", rows::owner_name(shown, kill.owner.as_ref()));
    served(&mut page, shown, kill.owner.as_ref());
    page.entry("resident", bytes(kill.rss));
    let scope = match &kill.scope {
        KillScope::Host => "of the whole host".to_owned(),
        KillScope::Cgroup(path) => format!("of the control group {path}"),
        KillScope::Nodes => "of a set of memory nodes".to_owned(),
    };
    page.entry("ran out", format!("the memory {scope}"));
    if let Some(limit) = kill.limit {
        page.entry("limit", bytes(limit));
    }
    page.heading("In the kernel's words");
    page.blocks.push(Block::Log(None, Tone::Plain, kill.text.to_string()));
    Some(page)
}

/// The routes that stand on a unit or container.
fn served(page: &mut Page, shown: &Shown<'_>, owner: Option<&Owner>) {
    let Some(owner) = owner else { return };
    let all = serves(shown, &std::iter::once(owner.clone()).collect());
    let Some(served) = all.get(owner) else {
        page.entry("it serves", "nothing that an upstream leads to");
        return;
    };
    for (id, route) in &served.routes {
        page.toned("it serves", Tone::Strong, format!("{route} ({id})"));
    }
    let more = served.upstreams.saturating_sub(served.routes.len());
    if more > 0 {
        page.entry("", format!("and {more} more upstreams"));
    }
    if served.gateway {
        page.toned("it serves", Tone::Strong, "everything: it is the gateway");
    }
}

pub(super) fn crash(shown: &Shown<'_>, sequence: u64) -> Option<Page> {
    let fault = shown.case.segfaults.iter().find(|f| f.sequence == sequence)?;
    let mut page = Page::new(format!("Crash of {}", fault.name));
    page.entry("when", fault.at.to_string());
    page.entry("process", format!("{} (pid {})", fault.name, fault.pid));
    page.heading("In the kernel's words");
    page.blocks.push(Block::Log(None, Tone::Plain, fault.text.to_string()));
    Some(page)
}

pub(super) fn group(shown: &Shown<'_>, owner: &Owner) -> Option<Page> {
    let track = shown.case.cgroups.get(owner)?;
    let now = &track.now.value;
    let mut page = Page::new(format!("Resources of {}", rows::owner_name(shown, Some(owner))));
    page.entry("group", now.path.to_string());
    let limit = now.memory_max.map_or_else(|| "no limit".to_owned(), bytes);
    let used = now.memory.map_or_else(|| "not counted".to_owned(), bytes);
    page.entry("memory", format!("{used} of {limit}"));
    if let Some(secs) = rows::secs_to_limit(track) {
        let text = format!("in about {} if it goes on like this", span(secs.cast_signed()));
        page.toned("limit reached", Tone::Warn, text);
    }
    if let Some(kills) = now.oom_kills {
        let since = kills.saturating_sub(track.first.oom_kills.unwrap_or(kills));
        page.entry("memory kills", format!("{kills} since it was made, {since} while we looked"));
    }
    served(&mut page, shown, Some(owner));
    if let Some(pids) = now.pids {
        let max = now.pids_max.map_or_else(|| "no limit".to_owned(), |n| n.to_string());
        page.entry("tasks", format!("{pids} of {max}"));
    }
    if let Some(us) = now.throttled_us.filter(|us| *us > 0) {
        page.entry("held back", format!("{} s by its CPU quota", us / 1_000_000));
    }
    Some(page)
}

pub(super) fn disk(shown: &Shown<'_>, mount: &Text) -> Option<Page> {
    let disk = &shown.case.disks.get(mount)?.value;
    let mut page = Page::new(format!("File system {mount}"));
    page.entry("free", format!("{} of {}", bytes(disk.available), bytes(disk.total)));
    if disk.inodes > 0 {
        page.entry("files", format!("{} more can be made", disk.inodes_free));
    }
    page.entry("mode", if disk.read_only { "read-only" } else { "read and write" });
    Some(page)
}
