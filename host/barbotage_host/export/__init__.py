"""What leaves a session: pictures, videos, tables, measures, labels."""
