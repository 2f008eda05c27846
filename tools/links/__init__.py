"""Links of the built site: those that stay inside, and those that leave (`make linkcheck`)."""
