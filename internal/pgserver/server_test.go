package pgserver

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func answers(s *Server) bool {
	conn, err := net.Dial("unix", filepath.Join(s.dir, ".s.PGSQL.5432"))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func TestServerStartsAgainAfterACrash(t *testing.T) {
	s := New(t)
	require.True(t, answers(s))
	first := s.Process().Pid
	for _, how := range []os.Signal{os.Kill, os.Interrupt} {
		s.Stop(how)
		assert.False(t, answers(s), "%v ends it", how)
		require.NoError(t, s.Start(Quick...))
		assert.True(t, answers(s))
		assert.NotEqual(t, first, s.Process().Pid)
	}
	s.Remove()
	assert.NoDirExists(t, s.dir)
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	s, err := Make()
	Needed(t, err)
	t.Cleanup(s.Remove)
	assert.ErrorContains(t, s.Start("shared_buffers=plenty"), "shared_buffers")
}
