//! `diagnose --url`: whose answer it is, on a host of one's own with a load balancer in front.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use serde_json::Value;

use super::world::{Backend, NGINX, World, document, free_port, list, run, skip};

/// A load balancer that answers everything itself.
fn balancer(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let body = format!("<center><h1>{status}</h1></center>");
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nServer: awselb/2.0\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

fn asked(world: &World, before: &str, port: u16) -> Value {
    let url = format!("http://127.0.0.1:{port}/");
    document(&world.run(before, &["diagnose", "-o", "json", "--url", &url]))
}

#[test]
fn a_502_made_by_the_balancer_in_front_is_not_laid_at_a_healthy_host() {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    let backend = Backend::start();
    world.proxy_to(&[backend.port]);
    let found = asked(&world, NGINX, balancer("502 Bad Gateway"));
    let url = &found["url"];
    assert_eq!(found["status"], "healthy");
    assert_eq!((&url["blame"], &url["sure"]), (&"in-front".into(), &true.into()), "{url:#}");
    assert_eq!((&url["arrived"], &url["said_by"]["name"]), (&false.into(), &"aws-alb".into()));
    assert_eq!(url["local"][0]["status"], 200);
    assert_eq!(list(url, "may_be")[0], "lb-keepalive-race");
}

#[test]
fn a_502_that_the_gateway_here_makes_is_laid_at_this_host() {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    world.proxy_to(&[free_port()]);
    let found = asked(&world, NGINX, world.front);
    let url = &found["url"];
    assert_eq!((&url["blame"], &url["sure"]), (&"this-host".into(), &true.into()), "{url:#}");
    assert_eq!((&url["arrived"], &url["said_by"]["name"]), (&true.into(), &"nginx".into()));
    assert_eq!(list(url, "backends").len(), 0, "no configuration names this host");
}

#[test]
fn a_host_without_a_gateway_gets_an_answer_too() {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    let found = asked(&world, "", balancer("503 Service Temporarily Unavailable"));
    let url = &found["url"];
    assert_eq!(url["blame"], "in-front", "{url:#}");
    assert_eq!((&url["sure"], &url["may_be"][0]), (&false.into(), &"lb-no-targets".into()));
}

#[test]
fn the_text_begins_with_whose_answer_it_is_and_has_a_letter_to_send() {
    let url = format!("http://127.0.0.1:{}/", balancer("502 Bad Gateway"));
    let output = run(&["diagnose", "--url", &url]);
    let text = String::from_utf8(output.stdout).unwrap();
    let first = text.lines().next().unwrap();
    assert!(first.contains("HOST") || first.contains("TELL"), "{text}");
    assert!(text.contains("AWS Application Load Balancer") && text.contains("Please look at:"));
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn what_cannot_be_asked_is_a_usage_error() {
    for wrong in ["shop.example", "ftp://shop.example", "https://a:b@shop.example", ""] {
        let output = run(&["diagnose", "--url", wrong]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{wrong}");
    }
}
