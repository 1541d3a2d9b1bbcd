"""What every route has in common: errors, body limits, negotiation, cursors."""
