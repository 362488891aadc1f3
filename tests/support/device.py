"""The device on which tests run models of torch: the CPU, or what ``SPEECH_GATEWAY_DEVICE`` names."""

import os

DEVICE = os.environ.get("SPEECH_GATEWAY_DEVICE", "cpu")
