package database

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var some = Measured{Origin: "today, <a machine>", Figures: []Figure{
	{Name: "well", Ours: "900 rows/s", Beside: "SQL: 1000 rows/s", Ratio: 0.9, Typical: 0.88, AtLeast: 0.5},
	{Name: "too slow", Ours: "1 row/s", Beside: "COPY: 10 rows/s", Ratio: 0.1, AtLeast: 0.4},
	{Name: "flat & low", Ours: "2.00 ms", Beside: "1.00 ms", Ratio: 1.4, Typical: 1.5, AtMost: 1.5},
	{Name: "grows", Ours: "2.00 ms", Beside: "1.00 ms", Ratio: 2, AtMost: 1.5},
	{Name: "just to know", Ours: "1 s", Beside: "2 s", Ratio: 0.5},
}}

func TestTheTable(t *testing.T) {
	assert.Equal(t, `
| figure       | ours       | beside           | ratio       | goal          |            |
| ------------ | ---------- | ---------------- | ----------- | ------------- | ---------- |
| well         | 900 rows/s | SQL: 1000 rows/s | 0.90 (0.88) | at least 0.50 | met        |
| too slow     | 1 row/s    | COPY: 10 rows/s  | 0.10        | at least 0.40 | **MISSED** |
| flat & low   | 2.00 ms    | 1.00 ms          | 1.40 (1.50) | at most 1.50  | met        |
| grows        | 2.00 ms    | 1.00 ms          | 2.00        | at most 1.50  | **MISSED** |
| just to know | 1 s        | 2 s              | 0.50        |               |            |
`, "\n"+some.Table())
}

// texts returns the words of a plot, which must be well-formed, and how many bars of each colour it has.
func texts(t *testing.T, svg []byte) (words []string, bars map[string]int) {
	t.Helper()
	bars = map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return words, bars
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.CharData:
			if word := strings.TrimSpace(string(token)); word != "" {
				words = append(words, word)
			}
		case xml.StartElement:
			for _, a := range token.Attr {
				if token.Name.Local == "rect" && a.Name.Local == "fill" {
					bars[a.Value]++
				}
			}
		}
	}
}

func TestThePlotHasABarForEachGoal(t *testing.T) {
	words, bars := texts(t, some.Plot())
	assert.Equal(t, []string{
		"goal", "well", "0.90", "too slow", "0.10", "flat & low", "1.40", "grows", "2.00", "today, <a machine>",
	}, words)
	assert.Equal(t, map[string]int{"#ffffff": 1, "#2e7d32": 2, "#c62828": 2}, bars)
	assert.Contains(t, string(some.Plot()), `<rect x="330" y="40" width="246.0"`, "1.8 times the goal")
	assert.Contains(t, string(some.Plot()), `<rect x="330" y="70" width="34.2"`, "a quarter of it")
	again := some
	assert.Equal(t, some.Plot(), again.Plot(), "the same figures are the same bytes")
}

// What is shown is what was measured: the plot in this folder and the block in the worker's guide come from the file
// beside them.
func TestWhatIsShownIsWhatWasMeasured(t *testing.T) {
	m, err := Kept()
	require.NoError(t, err)
	require.NotEmpty(t, m.Figures)
	require.NotEmpty(t, m.Origin)
	assert.Equal(t, string(m.JSON()), string(kept), "in the form in which the command keeps it")
	plot, err := os.ReadFile("measured.svg")
	require.NoError(t, err)
	assert.Equal(t, string(m.Plot()), string(plot), "run go run ./internal/bench -update")
	guide, err := os.ReadFile("../../../examples/worker/README.md")
	require.NoError(t, err)
	_, block, shown := strings.Cut(string(guide), "<!-- figures: postgres -->\n")
	require.True(t, shown)
	assert.True(t, strings.HasPrefix(block, m.Table()), "run go run ./internal/bench -update")
	assert.Contains(t, block, m.Origin)
}
