//! How a command is run: in the C locale, bounded, its failure sorted by cause.
