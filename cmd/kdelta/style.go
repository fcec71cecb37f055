package main

import "charm.land/lipgloss/v2"

// The few colours of the command, by meaning. Their numbers are those of the terminal's own palette, so that a person's
// theme decides how they look.
var (
	styleKey     = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	styleVersion = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	styleGood    = lipgloss.NewStyle().Foreground(lipgloss.Green)
	styleBad     = lipgloss.NewStyle().Foreground(lipgloss.Red)
	styleFaint   = lipgloss.NewStyle().Faint(true)
	styleStrong  = lipgloss.NewStyle().Bold(true)
)

// paint makes s safe for a terminal and colours it where a person looks on.
func (a *app) paint(style lipgloss.Style, s string) string {
	s = printable(s)
	if s == "" || !a.styled() {
		return s
	}
	return style.Render(s)
}

func (a *app) key(s string) string     { return a.paint(styleKey, s) }
func (a *app) version(s string) string { return a.paint(styleVersion, s) }
func (a *app) good(s string) string    { return a.paint(styleGood, s) }
func (a *app) bad(s string) string     { return a.paint(styleBad, s) }
func (a *app) faint(s string) string   { return a.paint(styleFaint, s) }
func (a *app) strong(s string) string  { return a.paint(styleStrong, s) }
