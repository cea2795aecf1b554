package database

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
)

// The measures of the plot. It is drawn by hand: two colours and a dozen bars are not worth the thirty modules, fonts and a
// PDF writer among them, that gonum.org/v1/plot brings.
const (
	plotWidth = 860
	nameWidth = 330 // of what stands left of the bars
	barHeight = 18
	rowHeight = 30
	topMargin = 40
	furthest  = 3.0 // times the goal: longer bars are cut
)

// Plot draws how far each goal is reached, as SVG: the same bytes for the same figures. A bar that crosses the line of the goal
// has met it.
func (m Measured) Plot() []byte {
	var aimed []Figure
	for _, f := range m.Figures {
		if words, _ := f.goal(); words != "" {
			aimed = append(aimed, f)
		}
	}
	height := topMargin + rowHeight*len(aimed) + 30
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", plotWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", plotWidth, height)
	scale := (plotWidth - nameWidth - 120) / furthest
	goal := nameWidth + scale
	label(&b, goal, topMargin-14, "middle", "goal")
	for i, f := range aimed {
		_, reached := f.goal()
		y := topMargin + rowHeight*i
		colour := "#2e7d32"
		if !f.Met() {
			colour = "#c62828"
		}
		length := scale * min(reached, furthest)
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", nameWidth, y, length, barHeight, colour)
		label(&b, nameWidth-10, y+14, "end", f.Name)
		label(&b, nameWidth+math.Round(length)+6, y+14, "start", fmt.Sprintf("%.2f", f.Ratio))
	}
	fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#000000" stroke-dasharray="4 3"/>`+"\n", goal, topMargin-8, goal, height-30)
	label(&b, nameWidth, height-10, "start", m.Origin)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func label(b *bytes.Buffer, x float64, y int, anchor, text string) {
	fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="%s">`, x, y, anchor)
	_ = xml.EscapeText(b, []byte(text)) // into memory: it cannot fail
	b.WriteString("</text>\n")
}
