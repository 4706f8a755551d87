"""What people are told by e-mail: who is told what, when, and in which words. Sending it is an adapter's."""
