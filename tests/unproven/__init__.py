"""What nobody has seen proven of Slack and Sendblue: the bot keeps its promises in every position of each switch."""
