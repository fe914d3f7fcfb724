// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// authorization is the header that a request is sent with unasked.
func (c *Client) authorization(r request) (string, error) {
	if r.token != nil {
		token := r.token.Reveal()
		if token == "" || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			return "", errors.New("the token is empty or has characters that no token has")
		}
		return "Token " + token, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.basic {
		return c.basicAuth(), nil
	}
	return "", nil
}

// accepted remembers what the API took. A signature is made anew when it is asked
// for, which the session cookie makes rare.
func (c *Client) accepted(authorization string) {
	if strings.HasPrefix(authorization, "Basic ") {
		c.mu.Lock()
		c.basic = true
		c.mu.Unlock()
	}
}

func (c *Client) basicAuth() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.o.User+":"+c.o.Password.Reveal()))
}

// answer gives the header for what a 401 asks for. As with osc, a password is
// preferred where there is one, and a key is looked for where there is none.
func (c *Client) answer(ctx context.Context, headers []string, refused bool) (string, error) {
	offered := challenges(headers)
	_, basic := offered["basic"]
	signature, signed := offered["signature"]
	password := c.o.Password != nil && c.o.Password.Reveal() != ""
	switch {
	case refused:
		return "", fmt.Errorf("the password of user %s was not taken: %s", c.o.User, login)
	case c.o.User == "":
		return "", errors.New("no user is configured for this API: " + login)
	case basic && password:
		return c.basicAuth(), nil
	case signed:
		return c.sign(ctx, signature["realm"])
	case len(offered) == 0:
		return "", errors.New("the API does not say how to log in; check its address")
	case basic:
		return "", fmt.Errorf("no password is known for user %s, and the API takes no ssh key", c.o.User)
	}
	return "", fmt.Errorf("the API asks for %q, of which only Basic and Signature are known here", words(strings.Join(slices.Sorted(maps.Keys(offered)), ", ")))
}

// challenges reads WWW-Authenticate headers (RFC 9110, 11.6.1) into the
// parameters of each scheme. Names are in lower case.
func challenges(headers []string) map[string]map[string]string {
	const end = " \t,=\""
	schemes := map[string]map[string]string{}
	for _, s := range headers {
		var current map[string]string
		for {
			s = strings.TrimLeft(s, end)
			if s == "" {
				break
			}
			n := strings.IndexAny(s, end)
			if n < 0 {
				n = len(s)
			}
			name := strings.ToLower(s[:n])
			s = strings.TrimLeft(s[n:], " \t")
			if !strings.HasPrefix(s, "=") || current == nil {
				current = map[string]string{}
				schemes[name] = current
				continue
			}
			current[name], s = value(strings.TrimLeft(s[1:], " \t"))
		}
	}
	return schemes
}

// value reads a parameter's value, quoted or not, and gives what follows.
func value(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		n := strings.IndexAny(s, " \t,")
		if n < 0 {
			n = len(s)
		}
		return s[:n], s[n:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
