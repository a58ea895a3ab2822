"""HTTP/1.1 over sockets: a WSGI server that is as strict as a proxy in front of it needs it to be,
and in which no client can take another's place or time."""
