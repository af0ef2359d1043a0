//! Configurations of Apache httpd: how their lines are read, which of them count on this host, and
//! what they mean (<https://httpd.apache.org/docs/2.4/mod/directives.html>).

mod conditions;
mod lines;
mod load;
mod logs;
mod meaning;
mod target;
mod variables;
mod workers;

pub(super) use meaning::parse;
