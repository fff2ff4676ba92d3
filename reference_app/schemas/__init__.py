"""What goes over the wire: requests and answers, with an example of each."""
