package nanomdm

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of a property list that a device sent. A check-in message is a few kilobytes.
const (
	maxPlist = 512 << 10 // bytes
	maxDepth = 32        // elements inside each other
	maxNodes = 20_000    // elements
	maxKey   = 255       // bytes of a key
)

// ErrPlist says that a device's property list is none that is read: too large, too deep, not XML, or of another shape than
// Apple's. What it held was not looked at.
var ErrPlist = errors.New("nanomdm: the property list of the device is refused")

func badPlist(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPlist, fmt.Sprintf(format, args...))
}

// doctype is the one line of its kind that Apple's devices write. Any other directive may define entities.
const doctype = `DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd"`

// guard checks that a property list is XML of Apple's shape and within bounds, with a dict on the outside and no key twice
// in a dict, so that every reader of it reads the same. It does not recurse, and keeps no more than one element's text.
func guard(raw []byte) error {
	if len(raw) > maxPlist {
		return badPlist("%d bytes are more than %d", len(raw), maxPlist)
	}
	if bytes.HasPrefix(raw, []byte("bplist")) {
		return badPlist("it is a binary one, and only XML is read")
	}
	g := plistGuard{decoder: xml.NewDecoder(bytes.NewReader(raw))}
	for {
		token, err := g.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = g.take(token)
		}
		if err != nil {
			return badPlist("%s", printable(strings.TrimPrefix(err.Error(), ErrPlist.Error()+": "), 200))
		}
	}
	if !g.done {
		return badPlist("there is none")
	}
	return nil
}

// plistGuard follows a property list token by token.
type plistGuard struct {
	decoder        *xml.Decoder
	open           []element
	nodes          int
	declared, done bool
	doctype        bool
	text           strings.Builder // of the open key
}

// element is one that is open.
type element struct {
	name     string
	children int
	keys     map[string]bool // of a dict
	keyed    bool            // a key waits for its value
}

func (g *plistGuard) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.ProcInst:
		if t.Target != "xml" || g.declared || g.doctype || g.nodes > 0 {
			return badPlist("a processing instruction that does not belong there")
		}
		g.declared = true
	case xml.Directive:
		if g.doctype || g.nodes > 0 || strings.Join(strings.Fields(string(t)), " ") != doctype {
			return badPlist("a document type that is not Apple's")
		}
		g.doctype = true
	case xml.StartElement:
		return g.start(t)
	case xml.EndElement:
		return g.end()
	case xml.CharData:
		return g.chars(t)
	default:
		return badPlist("a comment")
	}
	return nil
}

func (g *plistGuard) start(t xml.StartElement) error {
	name := t.Name.Local
	g.nodes++
	switch {
	case g.done:
		return badPlist("something after its end")
	case g.nodes > maxNodes:
		return badPlist("more than %d elements", maxNodes)
	case len(g.open) == maxDepth:
		return badPlist("deeper than %d", maxDepth)
	case t.Name.Space != "" || !plistElements[name]:
		return badPlist("an element that property lists do not have")
	case !plainAttributes(t):
		return badPlist("an attribute that property lists do not have")
	}
	if len(g.open) == 0 {
		if name != "plist" {
			return badPlist("its outermost element is not plist")
		}
	} else if err := g.open[len(g.open)-1].child(name, len(g.open) == 1); err != nil {
		return err
	}
	g.open = append(g.open, element{name: name})
	g.text.Reset()
	return nil
}

var plistElements = map[string]bool{
	"plist": true, "dict": true, "array": true, "key": true, "string": true, "integer": true, "real": true, "date": true,
	"data": true, "true": true, "false": true,
}

func plainAttributes(t xml.StartElement) bool {
	for _, a := range t.Attr {
		if t.Name.Local != "plist" || a.Name.Space != "" || a.Name.Local != "version" || a.Value != "1.0" || len(t.Attr) > 1 {
			return false
		}
	}
	return true
}

// child says whether an element may begin inside e.
func (e *element) child(name string, outermost bool) error {
	e.children++
	switch {
	case name == "plist":
		return badPlist("a plist inside of a plist")
	case outermost && (name != "dict" || e.children > 1):
		return badPlist("not one dict on the outside")
	case e.name == "dict":
		if (name == "key") == e.keyed {
			return badPlist("keys and values do not alternate")
		}
		e.keyed = name == "key"
	case e.name == "array" && name == "key":
		return badPlist("a key outside of a dict")
	case e.name != "array" && e.name != "plist":
		return badPlist("an element inside of a %s", e.name)
	}
	return nil
}

func (g *plistGuard) end() error {
	e := g.open[len(g.open)-1] // the decoder sees to it that ends have beginnings
	g.open = g.open[:len(g.open)-1]
	switch {
	case e.name == "plist":
		if g.done = true; e.children == 0 {
			return badPlist("it is empty")
		}
	case e.name == "dict" && e.keyed:
		return badPlist("a key without a value")
	case e.name == "key":
		dict := &g.open[len(g.open)-1]
		key := g.text.String()
		if dict.keys[key] {
			return badPlist("the key %q twice", printable(key, 64))
		}
		if dict.keys == nil {
			dict.keys = map[string]bool{}
		}
		dict.keys[key] = true
	}
	return nil
}

func (g *plistGuard) chars(t xml.CharData) error {
	if len(g.open) == 0 || containers[g.open[len(g.open)-1].name] {
		if len(bytes.TrimSpace(t)) > 0 {
			return badPlist("text where there is none")
		}
		return nil
	}
	if g.open[len(g.open)-1].name == "key" {
		if g.text.Write(t); g.text.Len() > maxKey {
			return badPlist("a key longer than %d bytes", maxKey)
		}
	}
	return nil
}

// containers hold no text of their own.
var containers = map[string]bool{"plist": true, "dict": true, "array": true, "true": true, "false": true}
