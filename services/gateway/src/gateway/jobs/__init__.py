"""Jobs: submitted, read, waited for, cancelled and retried."""
