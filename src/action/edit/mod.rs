//! Changing a configuration file so that it is, at every moment, exactly the old or exactly the new.
