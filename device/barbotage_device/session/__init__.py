"""One recording: schema, writer, reader, recovery, audit chain, retention."""
