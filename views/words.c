#include "views/words.h"

const struct screen_word screen_words[] = {
    {"token", "a piece of text as the model reads it"},
    {"layer", "one step of the model; L0 is the embedding, the last one the output"},
    {"gate", "how much of each layer a token takes; sums to 1"},
    {"anchor", "the one vector that a token sends"},
    {"window", "tokens that share one plan, 128 as trained"},
    {"segment", "tokens that the frozen model reads at once, 512 as trained"},
    {"sender mass", "share of the window's message that a token may send; 1.7x even = "
                    "1.7 times 1/tokens"},
    {"slot", "a vector given to the model in place of about `ratio` tokens"},
    {"home span", "the tokens that a slot starts from"},
    {"capacity", "the share that each slot receives, the same for all"},
    {"plan", "table of tokens and slots: who sends how much to which"},
    {"senders off",
     "sum over tokens of |sent - sender mass|; near 0 the plan is balanced"},
    {"spread", "effective tokens in a slot: exp of the entropy of what it is made of"},
    {"likeness", "cosine of token and slot: how well they suit each other"},
    {"answer", "what the frozen model says to the question"},
    {"full", "the answer from the whole text"},
    {"compressed", "the answer from the slots in place of the text"},
    {"none", "the answer without any context"},
    {"looked at", "where the answer's attention went; not a proof of cause"},
    {"KV", "bytes that the prompt occupies in the model's cache"},
    {"F1", "words shared with the reference answer, 0 to 1"},
    {"stale", "made with other settings; regenerating makes it again"},
    {"not converged", "senders off is over 0.01: more iterations are needed"},
    {"UNTRAINED",
     "this compressor has learned nothing: its gates and answers mean nothing"},
};
const size_t n_screen_words = sizeof screen_words / sizeof *screen_words;

const struct caption captions[] = {
    {"Document",
     "The text in tokens. The tint shows what belongs to the thing under the cursor.",
     "token t: sum_j R[t,j] S[t',j]; slot j: S[t,j]; answer i: D[i,t]"},
    {"Gates", "Which layers each token is taken from. A column sums to 1.",
     "alpha[t,l] = softmax over l of (q[t] . k[l,t]) / (sqrt(256) * 0.7); anchor x[t] = "
     "sum_l "
     "alpha[t,l] V(h[l,t])"},
    {"Plan", "Who sends how much to which slot: likeness, made to fit both totals.",
     "P = exp(f + g - (1 - likeness)/eps); f, g alternate 30 times; each slot receives "
     "exactly "
     "b = 1/K, each token sends nearly a[t]"},
    {"Answers", "The same frozen model, three contexts, same question, greedy.",
     "input = BOS, slots, question"},
    {"Mass", "How much each token may send; learned, with 5 % shared evenly.",
     "a = 0.95 softmax(score) + 0.05 even"},
    {"Slots", "A slot is the average of what arrives, passed through a small network.",
     "z[j] = sum_t P[t,j] v[t] / b[j]; slot = W2 gelu(W1 z + b1) + b2"},
    {"Looked at",
     "Where the answer's attention went, followed back through the plan. Not a proof of "
     "cause: "
     "mute the slot to test.",
     "D[i,t] = sum_j A[i,j] P[t,j] / b[j]"},
    {"Loss map", "How much harder a token became when the text before its window was compressed.",
     "nats(compressed) - nats(full)"},
    {"Train", "Falling curve: slots carry more. Between the dashed lines is all there is to gain.",
     "mean of -log p(token) over counted tokens"},
};
const size_t n_captions = sizeof captions / sizeof *captions;
