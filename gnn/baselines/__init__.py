"""Models that every report sets beside Habitué's own."""
