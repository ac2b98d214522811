// A tiny application that signs users in and keeps their tokens fresh.
//
// REPLACE: all of this file, by what your own application does with its library. main.go calls what it has.
package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const redirectURI = "http://127.0.0.1/callback" // Nothing has to listen there.

// RefreshError is how this application says that a refresh has failed. REPLACE: by your library's own error.
type RefreshError struct{ cause error }

func (e RefreshError) Error() string { return "the refresh has failed: " + e.cause.Error() }

// User is somebody who has signed in. REPLACE: Saved by what your application stores, as its library gives it.
type User struct {
	sync.Mutex
	Saved Saved
}

func (u *User) Subject() string {
	u.Lock()
	defer u.Unlock()
	return u.Saved.Subject
}

type Saved struct {
	Subject, AccessToken, RefreshToken string
	ExpiresAt                          int64 // In milliseconds since the Unix epoch.
}

type Application struct {
	Provider
	scopes []string
	now    func() int64
}

// Redirects are not followed.
var client = &http.Client{
	Timeout:       5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (a *Application) SignIn() (*User, error) {
	// REPLACE: the URL, the check of the state and the exchange of the code, by your library's calls.
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {a.Client.ID}, "redirect_uri": {redirectURI},
		"scope": {strings.Join(a.scopes, " ")}, "state": {state},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(challenge[:])},
		"code_challenge_method": {"S256"}, "access_type": {"offline"}, "prompt": {"consent"},
	}
	// This is the browser. The fake Google asks nothing and sends it back at once.
	sent, err := client.Get(a.Endpoints.Authorization + "?" + query.Encode())
	if err != nil {
		return nil, err
	}
	sent.Body.Close()
	back, err := sent.Location()
	if err != nil {
		return nil, err
	}
	if came := back.Query(); came.Get("state") != state || !came.Has("code") {
		return nil, fmt.Errorf("the sign-in was refused: %q", came.Get("error"))
	}
	saved, err := a.tokens(Saved{}, url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")},
		"code_verifier": {verifier}, "redirect_uri": {redirectURI},
	})
	return &User{Saved: saved}, err
}

func (a *Application) AccessToken(user *User) (string, error) {
	// REPLACE: by your library's call for a valid access token.
	user.Lock() // Of several requests at once only the first refreshes.
	defer user.Unlock()
	if a.now() < user.Saved.ExpiresAt {
		return user.Saved.AccessToken, nil
	}
	if user.Saved.RefreshToken == "" {
		return "", RefreshError{errors.New("there is no refresh token")}
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {user.Saved.RefreshToken}}
	saved, err := a.tokens(user.Saved, form)
	if err != nil {
		return "", RefreshError{err}
	}
	user.Saved = saved
	return saved.AccessToken, nil
}

func (a *Application) API(accessToken, url string) (int, error) {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+accessToken)
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// tokens asks the token endpoint, and gives what is to be stored from now on.
func (a *Application) tokens(saved Saved, form url.Values) (Saved, error) {
	form.Set("client_id", a.Client.ID)
	form.Set("client_secret", a.Client.Secret)
	response, err := client.PostForm(a.Endpoints.Token, form)
	if err != nil {
		return saved, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return saved, err
	}
	answer := struct {
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int64  `json:"expires_in"`
		RefreshToken string `json:"refresh_token"`
		IDToken      string `json:"id_token"`
	}{ExpiresIn: 3600}
	if err := json.Unmarshal(body, &answer); err != nil {
		return saved, err
	}
	if response.StatusCode != 200 || answer.AccessToken == "" || !strings.EqualFold(answer.TokenType, "bearer") {
		return saved, fmt.Errorf("the token endpoint answered %d", response.StatusCode)
	}
	saved.AccessToken, saved.ExpiresAt = answer.AccessToken, a.now()+1000*answer.ExpiresIn
	if answer.RefreshToken != "" { // It is often left out.
		saved.RefreshToken = answer.RefreshToken
	}
	if saved.Subject == "" {
		saved.Subject, err = subject(answer.IDToken)
	}
	return saved, err
}

// subject reads an id_token. It came straight from the provider, so its signature need not be checked
// (OpenID Connect Core, 3.1.3.7).
func subject(idToken string) (string, error) {
	parts := strings.Split(idToken, ".")
	if len(parts) != 3 {
		return "", errors.New("there is no id_token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	err = json.Unmarshal(payload, &claims)
	return claims.Subject, err
}
