"""The course as a web site: every lesson executed, nothing that students must not see."""
