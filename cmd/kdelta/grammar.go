package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// grammar is the command line: kong reads the tags, the verbs' files hold the structs.
type grammar struct {
	DB   string `name:"db" env:"KDELTA_DB" placeholder:"PATH" help:"The database file. Default: kdelta/kdelta.db in the user's data folder."`
	JSON bool   `name:"json" help:"Print JSON, one object a line."`

	Set       setCmd       `cmd:"" group:"data" help:"Write a value."`
	Get       getCmd       `cmd:"" group:"data" help:"Print a value, of now or of a point in the past."`
	Delete    deleteCmd    `cmd:"" group:"data" help:"Delete a key; its history stays."`
	Erase     eraseCmd     `cmd:"" group:"data" help:"Destroy what was written to a key, here and wherever it is synced."`
	Add       addCmd       `cmd:"" group:"data" help:"Add to a counter and print its value."`
	SetAdd    setAddCmd    `cmd:"" group:"data" help:"Add elements to a set."`
	SetRemove setRemoveCmd `cmd:"" group:"data" help:"Remove elements from a set."`
	Edit      editCmd      `cmd:"" group:"data" help:"Edit a text, together with others."`
	Array     arrayCmd     `cmd:"" group:"data" help:"Edit a list item by item, together with others."`
	List      listCmd      `cmd:"" group:"data" help:"List namespaces, or the keys of one."`
	Import    importCmd    `cmd:"" group:"data" help:"Write the records of a JSON or CSV file, all or none."`
	Export    exportCmd    `cmd:"" group:"data" help:"Print keys and values as JSON lines."`

	Log       logCmd       `cmd:"" group:"history" help:"Show what was written, newest first."`
	Diff      diffCmd      `cmd:"" group:"history" help:"Show how a value changed, path by path."`
	Blame     blameCmd     `cmd:"" group:"history" help:"Show who last set each part of a value, and when."`
	Revert    revertCmd    `cmd:"" group:"history" help:"Write what a key was at a point in the past as a new version."`
	Undo      undoCmd      `cmd:"" group:"history" help:"Take this device's last edit back."`
	Tag       tagCmd       `cmd:"" group:"history" help:"List tags, or name a point with one."`
	Watch     watchCmd     `cmd:"" group:"history" help:"Print each change as it happens, whoever makes it."`
	Conflicts conflictsCmd `cmd:"" group:"history" help:"Show concurrent writes that are not shown by get."`
	Resolve   resolveCmd   `cmd:"" group:"history" help:"Close a conflict with one of its sides or a new value."`
	Namespace namespaceCmd `cmd:"" group:"history" help:"Show or change how a namespace merges."`
	Strategy  strategyCmd  `cmd:"" group:"history" help:"Set a namespace's merge strategy (short form)."`

	Invite inviteCmd `cmd:"" group:"sharing" help:"Print a string that lets another device join this space."`
	Join   joinCmd   `cmd:"" group:"sharing" help:"Join the space of an invite."`
	Sync   syncCmd   `cmd:"" group:"sharing" help:"Exchange versions with other database files and nodes, both ways."`
	Start  startCmd  `cmd:"" group:"sharing" help:"Be a node: stay in sync with others and let them come."`
	Remote remoteCmd `cmd:"" group:"sharing" help:"Remember the files and nodes to sync with."`
	Peers  peersCmd  `cmd:"" group:"sharing" help:"List the devices that this one has met, and how far behind each is."`
	Name   nameCmd   `cmd:"" group:"sharing" help:"Show or set what people call this device."`

	Status   statusCmd   `cmd:"" group:"care" help:"Tell how the database is."`
	Why      whyCmd      `cmd:"" group:"care" help:"Explain why a key or version is or is not here."`
	Verify   verifyCmd   `cmd:"" group:"care" help:"Check every version and the state derived from them."`
	Compact  compactCmd  `cmd:"" group:"care" help:"Pack the history and give back the room in the file."`
	Erasures erasuresCmd `cmd:"" group:"care" help:"List what was erased, and which devices have confirmed it."`
	Backup   backupCmd   `cmd:"" group:"care" help:"Write a backup with the full history."`
	Restore  restoreCmd  `cmd:"" group:"care" help:"Make a database from a backup."`

	Demo       demoCmd       `cmd:"" group:"more" help:"Play a laptop and a phone that edit offline and sync."`
	Completion completionCmd `cmd:"" group:"more" help:"Print a completion script for a shell."`
	Version    versionCmd    `cmd:"" group:"more" help:"Print the version."`
}

var commandGroups = []kong.Group{
	{Key: "data", Title: "Data:"},
	{Key: "history", Title: "History and merging:"},
	{Key: "sharing", Title: "Sharing:"},
	{Key: "care", Title: "Care:"},
	{Key: "more", Title: "More:"},
}

const description = `A database in one file that works offline and syncs without losing anybody's write.

A KEY is NAMESPACE/KEY, a VALUE is JSON ("-" reads it from standard input), a POINT is a time, a date, "5m ago", ` +
	`"now", AUTHOR@SEQ, a version's id or a tag. Exit codes: 0 done, 1 failed, 2 usage, 3 not found.`

// helpShown is what kong's exit after help is turned into, so that run alone decides when the process ends.
type helpShown struct{}

func newParser(g *grammar, a *app) (*kong.Kong, error) {
	return kong.New(g,
		kong.Name("kdelta"),
		kong.Description(description),
		kong.ExplicitGroups(commandGroups),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(int) { panic(helpShown{}) }),
	)
}

// run is the whole command: it parses args, does what they say with a, and returns the exit code.
func run(args []string, a *app) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends the work in good order, the second one ends it.
	context.AfterFunc(ctx, stop)

	selected, err := parseAndRun(ctx, args, a)
	if flushErr := a.flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		report(a.stderr, err, selected)
	}
	return exitCode(err)
}

func parseAndRun(ctx context.Context, args []string, a *app) (selected *kong.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(helpShown); !ok {
				panic(p)
			}
		}
	}()
	if err := checkText(args); err != nil {
		return nil, err
	}
	var g grammar
	parser, err := newParser(&g, a)
	if err != nil {
		return nil, err
	}
	if slices.Equal(args, []string{"--version"}) {
		args = []string{"version"} // as many commands are asked
	}
	kctx, err := parser.Parse(keepNegativeNumbers(args, valueFlags(parser)))
	if err != nil {
		return selectedOf(err), parseError(err)
	}
	if err := refuseEmpty(kctx); err != nil {
		return kctx.Selected(), err
	}
	a.dbPath, a.asJSON = g.DB, g.JSON
	if a.dbPath == "" {
		if a.dbPath, err = defaultPath(); err != nil {
			return kctx.Selected(), err
		}
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	return kctx.Selected(), kctx.Run(a, parser)
}

// selectedOf is the command that a parse error happened in, nil where no command was recognised.
func selectedOf(err error) *kong.Node {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		return parse.Context.Selected()
	}
	return nil
}

// noValue is how kong says that a flag stands at the end of the line.
var noValue = regexp.MustCompile(`^(--[a-z-]+): .*"EOL"`)

// parseError is what kong found wrong, in words where it has none.
func parseError(err error) error {
	if flag := noValue.FindStringSubmatch(err.Error()); flag != nil {
		return usagef("%s is given without a value", flag[1])
	}
	return err
}

// checkText refuses arguments that are no UTF-8: kong would put U+FFFD for what it cannot read, and another key or file
// than the one that was asked for would be meant.
func checkText(args []string) error {
	for _, text := range slices.Concat(args, []string{os.Getenv("KDELTA_DB")}) {
		if !utf8.ValidString(text) {
			return usagef("the argument %q is not valid UTF-8", shorten(text, 60))
		}
	}
	return nil
}

// refuseEmpty refuses empty arguments: most of them are a shell's variable that is not set, and --db "" would mean the
// person's own database, --at "" the present. A message may be empty; of a VALUE and an INVITE their readers say more.
func refuseEmpty(kctx *kong.Context) error {
	for _, given := range kctx.Path {
		var value *kong.Value
		var name string
		switch {
		case given.Flag != nil && !given.Resolved:
			value, name = given.Flag.Value, "--"+given.Flag.Name
		case given.Positional != nil:
			value, name = given.Positional, "<"+given.Positional.Name+">"
		default:
			continue
		}
		text, isText := value.Target.Interface().(string)
		if isText && text == "" && !slices.Contains([]string{"message", "value", "invite"}, value.Name) {
			return usagef("%s is empty: is a variable not set?", name)
		}
	}
	return nil
}

var negativeNumber = regexp.MustCompile(`^-[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// valueFlags are the flags that take a value, as they are typed.
func valueFlags(parser *kong.Kong) map[string]bool {
	flags := map[string]bool{}
	for _, list := range wordsOf(parser.Model.Node, "", nil) {
		for _, flag := range list.flags {
			if flag.takesValue {
				flags[flag.text] = true
				flags["-"+string(flag.short)] = flag.short != 0
			}
		}
	}
	return flags
}

// keepNegativeNumbers lets `add stats/n -3` and `set a/b -1.5` mean what they say: kong takes what starts with a hyphen
// for a flag. White space in front hides the hyphen from kong, and JSON does not mind it; where the number is the value
// of a flag, whose text it would change, the two become one word.
func keepNegativeNumbers(args []string, takesValue map[string]bool) []string {
	kept := make([]string, 0, len(args))
	for i, arg := range args {
		switch {
		case arg == "--":
			return append(kept, args[i:]...)
		case !negativeNumber.MatchString(arg):
			kept = append(kept, arg)
		case i > 0 && takesValue[args[i-1]]:
			flag := args[i-1]
			if len(flag) > 2 {
				flag += "="
			}
			kept[len(kept)-1] = flag + arg
		default:
			kept = append(kept, " "+arg)
		}
	}
	return kept
}
