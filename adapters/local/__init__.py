"""What the engines that run models in this process share, whatever their stage."""
