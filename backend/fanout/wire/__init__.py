"""What is on the wire: messages into bytes, and bytes into messages. Knows no session."""
