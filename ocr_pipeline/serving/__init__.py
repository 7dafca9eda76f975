"""Reading as a service: settings, answers, the desk where requests are read, the web in front of it."""
