package portal

import (
	"strings"
	"unicode"
)

// maxName bounds the characters of a name in a sentence; names at Apple are shorter.
const maxName = 200

// words are what stands in a sentence for each {name}.
type words map[string]string

// fill replaces every {name} once; braces that a word brings along stay as they are.
func (w words) fill(sentence string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(sentence, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(w[name])
		sentence = after
	}
}

func (w words) fillAll(lists ...[]Note) []Note {
	var out []Note
	for _, list := range lists {
		for _, n := range list {
			out = append(out, Note{ID: n.ID, Text: w.fill(n.Text)})
		}
	}
	return out
}

// joined gives a path for people: "Devices > Management Services".
func joined(path []Label) string {
	texts := make([]string, len(path))
	for i, l := range path {
		texts[i] = l.Text
	}
	return strings.Join(texts, " > ")
}

// clean makes a name fit to stand in a line of text: it goes to terminals and web pages.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName]) + "…"
	}
	return name
}

func quoted(before, name string) string {
	if name == "" {
		return ""
	}
	return before + "“" + name + "”"
}

func orElse(value, usual string) string {
	if value == "" {
		return usual
	}
	return value
}
