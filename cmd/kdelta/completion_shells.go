package main

import (
	"fmt"
	"strings"
)

// bashScript looks up the words of the command that stands before the cursor; where there are none for what was
// typed, -o default completes file names.
func bashScript(lists []wordList) string {
	var b strings.Builder
	b.WriteString("# bash completion for kdelta\n_kdelta() {\n" +
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= words= i\n" +
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase \"$verb ${COMP_WORDS[i]}\" in\n")
	writePathCases(&b, lists, "\t\t\t")
	b.WriteString("\t\tesac\n\tdone\n\tcase \"$verb\" in\n")
	for _, list := range lists {
		texts := make([]string, 0, len(list.flags)+len(list.commands))
		for _, w := range list.all() {
			texts = append(texts, w.text)
		}
		fmt.Fprintf(&b, "\t%q) words=%s ;;\n", list.path, quoted(strings.Join(texts, " ")))
	}
	b.WriteString("\tesac\n\tcase \"$verb $prev\" in\n")
	for _, list := range lists {
		for _, flag := range list.flags {
			switch {
			case len(flag.values) > 0:
				fmt.Fprintf(&b, "\t%q) words=%s ;;\n", list.path+" "+flag.text, quoted(strings.Join(flag.values, " ")))
			case flag.takesValue:
				fmt.Fprintf(&b, "\t%q) words= ;;\n", list.path+" "+flag.text)
			}
		}
	}
	b.WriteString("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n" +
		"complete -o default -F _kdelta kdelta\n")
	return b.String()
}

// writePathCases writes how a word that follows a command leads to a deeper one; bash and zsh read it alike.
func writePathCases(b *strings.Builder, lists []wordList, indent string) {
	for _, list := range lists {
		if list.path == "" {
			continue
		}
		parent, name := "", list.path
		if i := strings.LastIndexByte(list.path, ' '); i >= 0 {
			parent, name = list.path[:i], list.path[i+1:]
		}
		fmt.Fprintf(b, "%s%q) verb=%q ;;\n", indent, parent+" "+name, list.path)
	}
}

// zshScript offers the words with what they are for, else file names. In zsh, $path is $PATH by another name.
func zshScript(lists []wordList) string {
	var b strings.Builder
	b.WriteString("#compdef kdelta\n# zsh completion for kdelta\n_kdelta() {\n" +
		"\tlocal verb= prev=${words[CURRENT-1]} w\n\tlocal -a items\n" +
		"\tfor w in \"${(@)words[2,CURRENT-1]}\"; do\n\t\tcase \"$verb $w\" in\n")
	writePathCases(&b, lists, "\t\t\t")
	b.WriteString("\t\tesac\n\tdone\n\tcase \"$verb\" in\n")
	for _, list := range lists {
		items := make([]string, 0, len(list.flags)+len(list.commands))
		for _, w := range list.all() {
			text := strings.ReplaceAll(w.text, ":", `\:`)
			if w.help != "" {
				text += ":" + w.help
			}
			items = append(items, quoted(text))
		}
		fmt.Fprintf(&b, "\t%q) items=(%s) ;;\n", list.path, strings.Join(items, " "))
	}
	b.WriteString("\tesac\n\tcase \"$verb $prev\" in\n")
	for _, list := range lists {
		for _, flag := range list.flags {
			if flag.takesValue {
				fmt.Fprintf(&b, "\t%q) items=(%s) ;;\n", list.path+" "+flag.text, strings.Join(flag.values, " "))
			}
		}
	}
	b.WriteString("\tesac\n\t(( $#items )) && _describe kdelta items || _files\n}\ncompdef _kdelta kdelta\n")
	return b.String()
}

// fishScript registers each word under the command that it follows.
func fishScript(lists []wordList) string {
	var b strings.Builder
	b.WriteString("# fish completion for kdelta\nfunction __kdelta_at\n\tset -l verb ''\n" +
		"\tset -l typed (commandline -opc)\n\tfor w in $typed[2..-1]\n\t\tswitch \"$verb $w\"\n")
	for _, list := range lists {
		if list.path == "" {
			continue
		}
		parent, name := "", list.path
		if i := strings.LastIndexByte(list.path, ' '); i >= 0 {
			parent, name = list.path[:i], list.path[i+1:]
		}
		fmt.Fprintf(&b, "\t\t\tcase %s\n\t\t\t\tset verb %s\n", quoted(parent+" "+name), quoted(list.path))
	}
	b.WriteString("\t\tend\n\tend\n\ttest \"$verb\" = \"$argv[1]\"\nend\n")
	for _, list := range lists {
		at := fmt.Sprintf("complete -c kdelta -n %s", quoted("__kdelta_at "+`"`+list.path+`"`))
		for _, command := range list.commands {
			fmt.Fprintf(&b, "%s -f -a %s -d %s\n", at, command.text, quoted(command.help))
		}
		for _, flag := range list.flags {
			line := at + " -l " + strings.TrimPrefix(flag.text, "--")
			if flag.short != 0 {
				line += " -s " + string(flag.short)
			}
			if flag.takesValue {
				line += " -r"
			}
			if len(flag.values) > 0 {
				line += " -f -a " + quoted(strings.Join(flag.values, " "))
			}
			fmt.Fprintf(&b, "%s -d %s\n", line, quoted(flag.help))
		}
	}
	return b.String()
}
