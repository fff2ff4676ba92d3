"""What goes on after an endpoint has answered: streams, which open short sessions of their own and hold none."""
