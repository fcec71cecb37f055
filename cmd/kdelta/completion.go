package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what --help adds.
func (completionCmd) Help() string {
	return `bash: source <(kdelta completion bash), in ~/.bashrc. zsh: the same with zsh, in ~/.zshrc, after compinit. ` +
		`fish: kdelta completion fish > ~/.config/fish/completions/kdelta.fish.`
}

func (c *completionCmd) Run(a *app, parser *kong.Kong) error {
	tree := wordsOf(parser.Model.Node, "", nil)
	script := map[string]func([]wordList) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell](tree)
	_, err := a.stdout.WriteString(script)
	return err
}

// A wordList is what can be typed after one command: subcommands and flags, with what they are for.
type wordList struct {
	// path is the command, "" for kdelta itself, "remote add" for a nested one.
	path     string
	commands []word
	flags    []word
}

// A word is one thing to type.
type word struct {
	text, help string
	// short is the flag's letter, 0 where it has none.
	short rune
	// takesValue says that another word follows, one of values where these are known.
	takesValue bool
	values     []string
}

// wordsOf walks kong's model: the list of node, then those of its commands.
func wordsOf(node *kong.Node, path string, lists []wordList) []wordList {
	list := wordList{path: path}
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			list.flags = append(list.flags, word{
				text: "--" + flag.Name, help: flag.Help, short: flag.Short,
				takesValue: !flag.IsBool(), values: enumOf(flag.Value),
			})
		}
	}
	for _, arg := range node.Positional {
		for _, value := range enumOf(arg) {
			list.commands = append(list.commands, word{text: value})
		}
	}
	at := len(lists)
	lists = append(lists, list)
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		lists[at].commands = append(lists[at].commands, word{text: child.Name, help: child.Help})
		lists = wordsOf(child, strings.TrimSpace(path+" "+child.Name), lists)
	}
	return lists
}

// enumOf are the words that a value can be: those of its enum, or where more than these may be meant, of its tag `complete`.
func enumOf(v *kong.Value) []string {
	switch {
	case v.Enum != "":
		return v.EnumSlice()
	case v.Tag.Has("complete"):
		return strings.Split(v.Tag.Get("complete"), ",")
	}
	return nil
}

// all is what can be typed after the command, in the order of help.
func (l wordList) all() []word { return append(append([]word{}, l.commands...), l.flags...) }
