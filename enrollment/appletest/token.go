package appletest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Death is why a token is dead.
type Death string

// The causes that end a token early, and the year that ends every one.
const (
	Alive           Death = ""
	Downloaded      Death = "a later token was downloaded"
	KeyReplaced     Death = "a new public key was saved"
	PasswordChanged Death = "the person who downloaded it changed the password"
	AdminLeft       Death = "the person who downloaded it left the organization"
	ServiceDeleted  Death = "the service was deleted"
	Expired         Death = "a year has passed"
)

// token is a set of OAuth credentials of one service, downloaded by one person.
type token struct {
	service      *Service
	admin        *Admin
	consumer     consumer
	key, secret  string
	issued, ends time.Time
	death        Death
}

// state returns why a token does not work, or [Alive].
func (t *token) state(now time.Time) Death {
	if t.death == Alive && !now.Before(t.ends) {
		return Expired
	}
	return t.death
}

// kill ends the present token of a service, and its sessions with it; needs the lock.
func (s *Service) kill(cause Death) {
	if s.present == nil {
		return
	}
	if s.present.death == Alive {
		s.present.death = cause
	}
	s.org.apple.endSessions(s.present)
	s.present = nil
}

// TokenState says whether the last downloaded token of a service works, and why not.
func (s *Service) TokenState() (cause Death, downloaded bool) {
	a := s.org.apple
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.latest == nil {
		return Alive, false
	}
	return s.latest.state(a.clock()), true
}

// DownloadToken makes a new token, which kills the one before at once, and returns its file, encrypted to the
// certificate that was saved last, and the name that the portal gives it.
func (p *Admin) DownloadToken(s *Service) (file []byte, name string, err error) {
	a := p.org.apple
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := p.mayManage(s); err != nil {
		return nil, "", err
	}
	t := a.newToken(s, p)
	text, err := t.json()
	if err != nil {
		return nil, "", err
	}
	file, err = a.behavior.Token.seal(s.certificate, text, a.randomBytes)
	if err != nil {
		return nil, "", err
	}
	s.kill(Downloaded)
	s.present, s.latest = t, t
	a.tokens[t.key] = t
	return file, fileName(s.name, t.issued), nil
}

// newToken needs the lock.
func (a *Apple) newToken(s *Service, p *Admin) *token {
	c, ok := s.consumers[p]
	if !ok {
		c = consumer{key: "CK_" + a.randomHex(48), secret: "CS_" + a.randomHex(20)}
		s.consumers[p] = c
	}
	now := a.clock()
	issued := now.Truncate(time.Second)
	key := fmt.Sprintf("AT_O%sO%sO%d", s.org.id, a.randomHex(20), now.UnixMilli())
	return &token{
		service: s, admin: p, consumer: c, key: key, secret: "AS_" + a.randomHex(20),
		issued: issued, ends: issued.AddDate(1, 0, 0),
	}
}

// json returns the content of a token file (Apple, "Examining server tokens").
func (t *token) json() ([]byte, error) {
	return json.Marshal(struct {
		ConsumerKey    string `json:"consumer_key"`
		ConsumerSecret string `json:"consumer_secret"`
		AccessToken    string `json:"access_token"`
		AccessSecret   string `json:"access_secret"`
		Expiry         string `json:"access_token_expiry"`
	}{t.consumer.key, t.consumer.secret, t.key, t.secret, t.ends.Format(time.RFC3339)})
}

// fileName returns the name under which the portal offers a token. What a path could not hold becomes a dash.
func fileName(service string, issued time.Time) string {
	safe := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:`, r) {
			return '-'
		}
		return r
	}, service)
	return safe + "_Token_" + issued.UTC().Format("2006-01-02T15-04-05Z") + "_smime.p7m"
}
