//! Claims: which addresses a unit says it serves, read from its command line, its environment,
//! its configuration files, the scripts that it runs, its socket unit and its log. They name the
//! unit behind an address at which nothing listens.

mod address;
mod command;
mod config;
mod declaration;
mod log;
mod mention;
mod php_fpm;
mod reader;
mod survey;

pub use command::is_listening_variable;
pub use declaration::{Declaration, Found, Terms, Wanted};
pub use log::address_in_log;
pub use reader::Reader;
pub use survey::{Survey, survey, survey_programs};
