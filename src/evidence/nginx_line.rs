//! Reader of one line of nginx's error log.
