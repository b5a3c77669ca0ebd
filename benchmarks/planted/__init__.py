"""Programs that were written without knowing the audit, and faults that were planted in them by hand."""
