"""Kabar's gateway: one message's life, told by its folders.

channels   speaks to a provider and turns its requests into values
receive    verifies, keeps and acknowledges: once a message is committed it can no longer be lost
handle     understands: reads, merges with an open question, judges, accepts
reply      composes the one answer, and sends it at most once
remind     asks who has not reported
review     lets district staff decide
enrol      knows who may report, and for which facility
export     hands the figures on, publish opens them
forget     lets go of what need not be kept any longer
store      remembers all of it; Redis only rings
"""
