"""WebRTC: a second transport of realtime sessions, with audio over RTP and events over a data channel."""
