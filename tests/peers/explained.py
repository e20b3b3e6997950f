"""What explains the gaps between the bounds of a program, for its table."""

INDEPENDENT = "given w its discrete sites are independent"
COUPLED = "what w and discrete sites have in common is lost, and enumeration keeps it"
TRAINED = "300 steps are few: half a nat or less is left after 2000"
CHAIN = "independent sites lose what the states of a chain have in common"
HARD = (
    "an animal once dead stays dead, so that a state is nearly a function of the last: "
    "independent states contradict each other now and then, at 16 nats or more each, "
    "and relaxed values, which lie between, do not tell; sum such sites out"
)
WHY = {
    "toy_mixture_model_discrete_enumeration.py": f"{INDEPENDENT}; else {COUPLED}",
    "hmm.py model_1": CHAIN,
    "hmm.py model_2": CHAIN,
    "lda.py": f"{INDEPENDENT}; else, over 30 words, {COUPLED}",
    "ss_vae_M2.py": f"{INDEPENDENT}; in training its networks read relaxed labels; "
    "`create_plates` gives its plate a size",
    "dirichlet_process_mixture.ipynb": f"{INDEPENDENT}; {TRAINED}",
    "cjs.py model_1": HARD,
    "sir_hmc.py": "a relaxed count is no number of trials for the next binomial",
    "annotation.py multinomial": f"{INDEPENDENT}; {TRAINED}",
    "annotation.py mace": "who does not guess says the class: independent draws of "
    "class and guesses contradict the data, which has probability 0 then",
    "hmm_enum.py model_1": CHAIN,
    "capture_recapture.py model_1": HARD,
    "test_funsor.py gmm": f"{INDEPENDENT}; else {COUPLED}",
    "test_funsor.py bernoulli_latent_model": "the two sites of a datum are dependent",
    "gaussian_shells.py": "the shells are thin: a rare draw of the wrong one "
    "costs hundreds of nats",
}
